import {
  callbackHeaderContext,
  callbackHeaderFault,
  MOST_CALLBACK_HEADERS,
} from '../../src/domain/callback-headers.ts';
import { maskSecret } from '../../src/domain/mask.ts';
import { type SecretBox, SecretsKeyError } from '../../src/secrets/secret-box.ts';
import {
  deleteCallbackHeader,
  listCallbackHeaders,
  putCallbackHeader,
} from '../../src/store/callback-headers.ts';
import type { Db } from '../../src/store/db.ts';
import {
  CliError,
  type Command,
  type CommandContext,
  type CommandResult,
  UsageError,
} from '../command.ts';
import { formatTable } from '../table.ts';
import { changeTenant, requireTenant } from '../tenant.ts';

function showMasked(secrets: SecretBox, tenantId: number, name: string, sealed: string): string {
  try {
    return maskSecret(secrets.open(sealed, callbackHeaderContext(tenantId, name)));
  } catch (error) {
    if (!(error instanceof SecretsKeyError)) throw error;
    return `(${error.message})`;
  }
}

async function showHeaders(
  { db, secrets }: CommandContext,
  tenantName: string,
): Promise<CommandResult> {
  const tenant = await requireTenant(db, tenantName);
  const headers = await listCallbackHeaders(db, tenant.id);
  const masked = [...headers].map(
    ([name, sealed]) => [name, showMasked(secrets, tenant.id, name, sealed)] as const,
  );
  return {
    text: formatTable(['header', 'value'], masked, `${tenantName} has no callback headers.`),
    json: { tenant: tenantName, headers: Object.fromEntries(masked) },
  };
}

async function removeHeader(db: Db, tenantName: string, name: string): Promise<void> {
  await changeTenant(db, tenantName, async (transaction, tenant) => {
    if (!(await deleteCallbackHeader(transaction, tenant.id, name))) {
      throw new CliError(`${tenantName} has no callback header ${name}`);
    }
    return { action: 'callback_header.remove', detail: { name }, result: undefined };
  });
}

async function setHeader(context: CommandContext, tenantName: string, name: string): Promise<void> {
  const { db, secrets, readSecret } = context;
  const nameFault = callbackHeaderFault(name, 'x');
  if (nameFault !== undefined) throw new UsageError(nameFault);
  const value = await readSecret(`Value of ${name}: `);
  const fault = callbackHeaderFault(name, value);
  if (fault !== undefined) throw new CliError(fault);
  await changeTenant(db, tenantName, async (transaction, tenant) => {
    const known = await listCallbackHeaders(transaction, tenant.id);
    if (!known.has(name) && known.size >= MOST_CALLBACK_HEADERS) {
      throw new CliError(`${tenantName} has ${MOST_CALLBACK_HEADERS} callback headers already`);
    }
    const sealed = secrets.seal(value, callbackHeaderContext(tenant.id, name));
    await putCallbackHeader(transaction, tenant.id, name, sealed);
    return { action: 'callback_header.set', detail: { name }, result: undefined };
  });
}

/** `header`: the headers that go with a tenant's callbacks. */
export const header: Command = {
  name: 'header',
  usage: '<tenant> [<name> [--remove]]',
  summary: 'show, set or remove a header of the tenant’s callbacks',
  details: [
    'Without a name it shows the headers, their values masked. With a name the value is read from',
    'standard input: it is typed unseen or piped in, and never part of the command line.',
    'Values are kept sealed with SECRETS_KEY, which api, worker and this command share.',
  ],
  options: { remove: { type: 'boolean' } },
  words: [1, 2],
  run: async (context, [tenant = '', given], options) => {
    const isRemoved = options['remove'] === true;
    if (given === undefined && isRemoved)
      throw new UsageError('--remove needs the name of a header');
    const name = given?.toLowerCase();
    if (name !== undefined && isRemoved) await removeHeader(context.db, tenant, name);
    else if (name !== undefined) await setHeader(context, tenant, name);
    return showHeaders(context, tenant);
  },
};
