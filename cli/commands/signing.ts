import { signingContext } from '../../src/domain/callback-secrets.ts';
import { createSigningSecret, publicKeyOf } from '../../src/secrets/signing-secret.ts';
import {
  deleteSigningSecrets,
  listSigningSecrets,
  rotateSigningSecret,
} from '../../src/store/signing-secrets.ts';
import type { Db } from '../../src/store/db.ts';
import {
  CliError,
  type Command,
  type CommandContext,
  type CommandResult,
  type OptionValues,
  textOption,
  UsageError,
} from '../command.ts';
import { parseDuration } from '../duration.ts';
import { formatMoment, formatTable } from '../table.ts';
import { changeTenant, requireTenant } from '../tenant.ts';

const OVERLAP = '24h';

/** Secrets of a tenant that sign at once. */
const MOST_SECRETS = 2;

async function rotate(
  { db, secrets }: CommandContext,
  name: string,
  options: OptionValues,
): Promise<CommandResult> {
  const isNow = options['now'] === true;
  const overlap = textOption(options, 'overlap') ?? OVERLAP;
  const overlapSeconds = isNow ? 0 : parseDuration(overlap, 'overlap');
  const version = options['ed25519'] === true ? 'v1a' : 'v1';
  const secret = createSigningSecret(version);
  const isFirst = await changeTenant(db, name, async (transaction, tenant) => {
    const known = await listSigningSecrets(transaction, tenant.id);
    const ending = known.find((one) => one.expiresAt !== null)?.expiresAt ?? null;
    if (!isNow && known.length >= MOST_SECRETS) {
      throw new CliError(
        `${name} has ${known.length} signing secrets already; the former one ends ${formatMoment(ending)}. Wait, or say --now`,
      );
    }
    const sealed = secrets.seal(secret, signingContext(tenant.id));
    await rotateSigningSecret(transaction, tenant.id, sealed, overlapSeconds);
    const detail = { version, overlapSeconds, former: known.map((one) => one.id) };
    return { action: 'signing_secret.rotate', detail, result: known.length === 0 };
  });
  const publicKey = publicKeyOf(secret);
  const kept =
    publicKey === undefined
      ? `New signing secret of ${name}, shown this once:\n${secret}`
      : `New public key of ${name}; its private key stays here:\n${publicKey}`;
  const former = isNow ? 'The former one has ended.' : `The former one ends in ${overlap}.`;
  return {
    text: isFirst ? kept : `${kept}\n${former}`,
    json: {
      tenant: name,
      version,
      ...(publicKey === undefined ? { secret } : { public_key: publicKey }),
      overlap_seconds: overlapSeconds,
    },
  };
}

async function remove(db: Db, name: string): Promise<void> {
  await changeTenant(db, name, async (transaction, tenant) => ({
    action: 'signing_secret.remove',
    detail: { secrets: await deleteSigningSecrets(transaction, tenant.id) },
    result: undefined,
  }));
}

async function show(db: Db, name: string): Promise<CommandResult> {
  const tenant = await requireTenant(db, name);
  const known = await listSigningSecrets(db, tenant.id);
  const rows = known.map((one) => [
    String(one.id),
    formatMoment(one.createdAt),
    one.expiresAt === null ? 'when it is replaced' : formatMoment(one.expiresAt),
  ]);
  return {
    text: formatTable(['secret', 'made', 'ends'], rows, `Callbacks of ${name} are not signed.`),
    json: {
      tenant: name,
      secrets: known.map((one) => ({
        id: one.id,
        created_at: one.createdAt,
        expires_at: one.expiresAt,
      })),
    },
  };
}

/** Refuses what would be read and not obeyed. */
function checkOptions(options: OptionValues): void {
  const given = (option: string): boolean => options[option] !== undefined;
  if (given('rotate') && given('remove')) {
    throw new UsageError('--rotate and --remove exclude each other');
  }
  for (const option of ['ed25519', 'overlap', 'now']) {
    if (given(option) && !given('rotate')) throw new UsageError(`--${option} needs --rotate`);
  }
  if (given('now') && given('overlap')) {
    throw new UsageError('--now and --overlap exclude each other');
  }
}

/** `signing`: the secrets a tenant's callbacks are signed with. */
export const signing: Command = {
  name: 'signing',
  usage: '<tenant> [--rotate [--ed25519] [--overlap 24h | --now] | --remove]',
  summary: 'show, make or end the secrets that the tenant’s callbacks are signed with',
  details: [
    '--rotate   makes a new secret and shows it once; the former one signs beside it for the overlap',
    '--ed25519  makes a key pair (v1a) in place of a shared secret (v1); only the public key is shown',
    `--overlap  how long the former secret goes on signing (default ${OVERLAP}): 90s, 30m, 24h, 7d`,
    '--now      the former secret ends now, for one that leaked',
    '--remove   ends signing',
    'Signatures are those of Standard Webhooks 1.0. Secrets are kept sealed with SECRETS_KEY.',
  ],
  options: {
    rotate: { type: 'boolean' },
    ed25519: { type: 'boolean' },
    overlap: { type: 'string' },
    now: { type: 'boolean' },
    remove: { type: 'boolean' },
  },
  words: [1, 1],
  run: async (context, [name = ''], options) => {
    checkOptions(options);
    if (options['rotate'] === true) return rotate(context, name, options);
    if (options['remove'] === true) await remove(context.db, name);
    return show(context.db, name);
  },
};
