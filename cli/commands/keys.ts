import { createApiKey, hashApiKey, hintOf, isApiKey } from '../../src/secrets/api-key.ts';
import {
  type ApiKey,
  endApiKeys,
  findKeyOwner,
  insertApiKey,
  listApiKeys,
  revokeApiKeys,
} from '../../src/store/api-keys.ts';
import type { Db } from '../../src/store/db.ts';
import { CliError, type Command, type OptionValues, textOption, UsageError } from '../command.ts';
import { parseDuration } from '../duration.ts';
import { formatMoment } from '../table.ts';
import { changeTenant } from '../tenant.ts';

/** Keys of a tenant that are valid at once. */
const MOST_KEYS = 2;

/** How long the old key stays valid after a rotation, where nothing else is said. */
const OVERLAP = '24h';

/** A key that was just made, with its text, which is shown once and kept nowhere. */
export interface MadeKey {
  readonly id: number;
  readonly key: string;
}

/** Option of the commands that make a key. */
export const EXPIRES_OPTION = { 'expires-in': { type: 'string' } } as const;

/** Makes a key for a tenant; it is valid for `--expires-in`, else until it is revoked. */
export async function makeKey(
  transaction: Db,
  tenantId: number,
  options: OptionValues,
): Promise<MadeKey> {
  const expiresIn = textOption(options, 'expires-in');
  const key = createApiKey();
  const id = await insertApiKey(transaction, tenantId, {
    hash: hashApiKey(key),
    hint: hintOf(key),
    validSeconds: expiresIn === undefined ? null : parseDuration(expiresIn, 'expires-in'),
  });
  if (id === undefined) throw new Error('a new key was there already');
  return { id, key };
}

/** A key for people, never the key itself. */
export const describeKey = (key: ApiKey): string =>
  `key ${key.id}${key.hint === '' ? '' : ` (…${key.hint})`}, made ${formatMoment(key.createdAt)}, ` +
  `last used ${formatMoment(key.lastUsedAt)}, ` +
  (key.expiresAt === null ? 'without end' : `until ${formatMoment(key.expiresAt)}`);

/** `rotate`: a new key, while the old one stays valid for a while. */
export const rotate: Command = {
  name: 'rotate',
  usage: '<tenant> [--overlap 24h | --now] [--expires-in 90d]',
  summary: 'give a tenant a new key, shown once; the old one ends later',
  details: [
    `--overlap    how long the old key stays valid (default ${OVERLAP}): 90s, 30m, 24h, 7d`,
    '--now        the old keys end now: within 5 s no process takes them',
    '--expires-in how long the new key is valid (default: until it is revoked)',
  ],
  options: { overlap: { type: 'string' }, now: { type: 'boolean' }, ...EXPIRES_OPTION },
  words: [1, 1],
  run: async ({ db }, [name = ''], options) => {
    const isNow = options['now'] === true;
    const overlap = textOption(options, 'overlap');
    if (isNow && overlap !== undefined)
      throw new UsageError('--now and --overlap exclude each other');
    const seconds = isNow ? 0 : parseDuration(overlap ?? OVERLAP, 'overlap');
    const made = await changeTenant(db, name, async (transaction, tenant) => {
      const valid = await listApiKeys(transaction, tenant.id);
      if (!isNow && valid.length >= MOST_KEYS) {
        throw new CliError(
          `${name} has ${valid.length} valid keys already: ${valid.map(describeKey).join('; ')}. ` +
            'Revoke one first, or say --now',
        );
      }
      await endApiKeys(transaction, tenant.id, seconds);
      const result = await makeKey(transaction, tenant.id, options);
      const ended = valid.map((key) => key.id);
      const detail = { keyId: result.id, ended, overlapSeconds: seconds };
      return { action: 'key.rotate', detail, result };
    });
    const old = isNow ? 'The old keys have ended.' : `The old key ends in ${overlap ?? OVERLAP}.`;
    return {
      text: `New key of ${name}, shown this once:\n${made.key}\n${old}`,
      json: { tenant: name, key_id: made.id, key: made.key, overlap_seconds: seconds },
    };
  },
};

/** `revoke`: ends a key at once. */
export const revoke: Command = {
  name: 'revoke',
  usage: '<tenant> <key id> | <tenant> --all',
  summary: 'end a key of a tenant now; within 5 s no process takes it',
  options: { all: { type: 'boolean' } },
  words: [1, 2],
  run: async ({ db }, [name = '', id], options) => {
    const isAll = options['all'] === true;
    if ((id === undefined) !== isAll) {
      throw new UsageError('revoke takes the id of a key, as list shows it, or --all');
    }
    if (id !== undefined && !/^\d{1,9}$/.test(id)) {
      throw new UsageError(`${id} is no id of a key; list shows them`);
    }
    const revoked = await changeTenant(db, name, async (transaction, tenant) => {
      const result = await revokeApiKeys(
        transaction,
        tenant.id,
        id === undefined ? null : Number(id),
      );
      if (id !== undefined && result.length === 0) {
        throw new CliError(`${name} has no valid key ${id}; list shows those it has`);
      }
      return { action: 'key.revoke', detail: { keyIds: result }, result };
    });
    return {
      text:
        revoked.length === 0
          ? `${name} has no valid key.`
          : `Revoked of ${name}: key ${revoked.join(', ')}.`,
      json: { tenant: name, revoked },
    };
  },
};

/** `whose`: finds the tenant of a key that turned up somewhere. */
export const whose: Command = {
  name: 'whose',
  usage: '',
  summary: 'say whose a key is, read from standard input',
  options: {},
  words: [0, 0],
  run: async ({ db, readSecret }) => {
    const key = await readSecret('Key: ');
    const owner = await findKeyOwner(db, hashApiKey(key));
    if (owner === undefined) {
      throw new CliError(
        isApiKey(key)
          ? 'A whole key, but of no tenant here'
          : 'No key of a tenant here, and none that this engine makes: mistyped, or cut off?',
      );
    }
    const { tenant, keyId, isValid } = owner;
    return {
      text: `Key ${keyId} of ${tenant}, ${isValid ? 'valid' : 'no longer valid'}.`,
      json: { tenant, key_id: keyId, valid: isValid },
    };
  },
};
