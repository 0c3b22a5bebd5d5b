import {
  type KeptStorage,
  type RemoteKind,
  STORAGE_SIDES,
  type StorageSettings,
  type StorageSide,
  storageSecretContext,
} from '../../src/domain/storage-settings.ts';
import type { SecretBox } from '../../src/secrets/secret-box.ts';
import {
  deleteTenantStorage,
  listTenantStorages,
  putTenantStorage,
} from '../../src/store/tenant-storages.ts';
import {
  CliError,
  type Command,
  type CommandContext,
  type CommandResult,
  type OptionValues,
  textOption,
  UsageError,
} from '../command.ts';
import { changeTenant, requireTenant } from '../tenant.ts';
import { parseSettings, SETTINGS_HELP, SETTINGS_OPTIONS } from './storage-options.ts';

const REMOTE: readonly RemoteKind[] = ['S3', 'azure_blob'];

const SECRET = /^[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?$/;

/** What must be typed for these settings; undefined where nothing is. */
function secretName(settings: StorageSettings): string | undefined {
  if (settings.kind === 'S3') {
    return settings.accessKeyId === null
      ? undefined
      : `Secret access key of ${settings.accessKeyId}`;
  }
  return { 'connection-string': 'Connection string', sas: 'SAS', identity: undefined }[
    settings.credential
  ];
}

/** Why a secret cannot be the one that is needed. Never tells it. */
function secretFault(settings: StorageSettings, secret: string): string | undefined {
  if (secret === '') return 'is needed on standard input: type it at a terminal, or pipe it in';
  if (!SECRET.test(secret)) return 'must be one line of text';
  if (settings.kind === 'S3') return undefined;
  if (settings.credential === 'sas') {
    return /(?:^|[?&])sig=/.test(secret) ? undefined : 'does not look like one: it has no sig=…';
  }
  return /(?:^|;)(?:AccountName|BlobEndpoint)=/i.test(secret)
    ? undefined
    : 'does not look like one: it has neither AccountName=… nor BlobEndpoint=…';
}

function sidesOf(options: OptionValues): readonly StorageSide[] {
  const text = textOption(options, 'side');
  if (text === undefined) return STORAGE_SIDES;
  const side = STORAGE_SIDES.find((one) => one === text);
  if (side === undefined) throw new UsageError('--side must be input or output');
  return [side];
}

async function setUp(
  context: CommandContext,
  tenantName: string,
  settings: StorageSettings,
  sides: readonly StorageSide[],
): Promise<void> {
  const { db, secrets, readSecret } = context;
  await requireTenant(db, tenantName);
  const name = secretName(settings);
  const secret = name === undefined ? undefined : await readSecret(`${name}: `);
  const fault = secret === undefined ? undefined : secretFault(settings, secret);
  if (fault !== undefined) throw new CliError(`${name ?? 'The secret'} ${fault}`);
  await changeTenant(db, tenantName, async (transaction, tenant) => {
    for (const side of sides) {
      const sealedFor = storageSecretContext(tenant.id, settings.kind, side);
      const sealed = secret === undefined ? null : secrets.seal(secret, sealedFor);
      await putTenantStorage(transaction, { tenantId: tenant.id, side, settings, sealed });
    }
    return { action: 'storage.set', detail: { sides, ...settings }, result: undefined };
  });
}

async function remove(
  { db }: CommandContext,
  tenantName: string,
  kind: RemoteKind,
  sides: readonly StorageSide[],
): Promise<void> {
  await changeTenant(db, tenantName, async (transaction, tenant) => {
    const removed: StorageSide[] = [];
    for (const side of sides) {
      if (await deleteTenantStorage(transaction, tenant.id, kind, side)) removed.push(side);
    }
    if (removed.length === 0) throw new CliError(`${tenantName} has no such ${kind} storage`);
    return { action: 'storage.remove', detail: { kind, sides: removed }, result: undefined };
  });
}

/** Whether the secret of a storage is there and can be opened. */
function describeSecret(secrets: SecretBox, kept: KeptStorage): string {
  if (kept.sealed === null) return 'none: the worker’s own identity';
  try {
    secrets.open(kept.sealed, storageSecretContext(kept.tenantId, kept.settings.kind, kept.side));
    return 'set';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A setting's name as its option is written. */
const toOption = (name: string): string =>
  name
    .replace(/^(?:is|has)(?=[A-Z])/, '')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase())
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

async function show({ db, secrets }: CommandContext, tenantName: string): Promise<CommandResult> {
  const tenant = await requireTenant(db, tenantName);
  const kept = await listTenantStorages(db, tenant.id);
  const shown = kept.map((one) => ({
    side: one.side,
    ...one.settings,
    secret: describeSecret(secrets, one),
  }));
  const lines = shown.flatMap(({ kind, side, ...rest }) => [
    `${kind} ${side}`,
    ...Object.entries(rest)
      .filter(([, value]) => value !== null && value !== '')
      .map(([name, value]) => `  ${toOption(name).padEnd(21)}${String(value)}`),
  ]);
  return {
    text: lines.join('\n') || `${tenantName} has local storage only.`,
    json: { tenant: tenantName, storages: shown },
  };
}

/** `storage`: where a tenant's sources and results are, besides local disks. */
export const storage: Command = {
  name: 'storage',
  usage: '<tenant> [S3|azure_blob [options]]',
  summary: 'show, set up or remove a tenant’s S3 or Azure Blob storage',
  details: [
    'Without a kind it shows what is set up, never a secret. With a kind it replaces what was set up.',
    'Secrets are read from standard input: typed unseen or piped in, and kept sealed with SECRETS_KEY.',
    '--side                 input (sources) or output (results) alone (default: both)',
    '--remove               take it away',
    ...SETTINGS_HELP,
  ],
  options: { ...SETTINGS_OPTIONS, side: { type: 'string' }, remove: { type: 'boolean' } },
  words: [1, 2],
  run: async (context, [tenant = '', given], options) => {
    const kind = REMOTE.find((one) => one === given);
    if (given !== undefined && kind === undefined) {
      throw new UsageError(
        `${given} is none of ${REMOTE.join(', ')}; local storage needs roots only`,
      );
    }
    const sides = sidesOf(options);
    const isRemoved = options['remove'] === true;
    if (kind === undefined && isRemoved) throw new UsageError('--remove needs S3 or azure_blob');
    if (kind !== undefined && isRemoved) await remove(context, tenant, kind, sides);
    else if (kind !== undefined) await setUp(context, tenant, parseSettings(kind, options), sides);
    return show(context, tenant);
  },
};
