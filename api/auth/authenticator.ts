import { timingSafeEqual } from 'node:crypto';
import { hashApiKey } from '../../src/secrets/api-key.ts';
import type { Db } from '../../src/store/db.ts';
import {
  getTenantCredentials,
  type Tenant,
  type TenantCredentials,
} from '../../src/store/tenants.ts';

/**
 * How long a tenant's keys are remembered, milliseconds: a revoked or expired key, and the keys of a
 * disabled tenant, die within this in every process.
 */
const REMEMBER_MS = 3000;
/** Names remembered, unknown ones among them. */
const MOST_NAMES = 10_000;

/** A hash that no key has: what the key of an unknown tenant is compared with. */
const NOBODY = [{ id: 0, hash: Buffer.alloc(32) }];

interface Remembered {
  readonly credentials: Promise<TenantCredentials | undefined>;
  readonly sinceMs: number;
  /** Counts the looks into the store. */
  readonly look: number;
}

/** Finds the tenant that a name and a key belong to, in constant time for right and wrong ones. */
export type Authenticate = (name: string, apiKey: string) => Promise<Tenant | undefined>;

/** Makes an {@link Authenticate} over the store. */
export function createAuthenticator(
  db: Db,
  options: {
    /** Told the id of the key at each success. */
    readonly onUse?: (keyId: number) => void;
    readonly nowMs?: () => number;
  } = {},
): Authenticate {
  const { onUse, nowMs = () => performance.now() } = options;
  const remembered = new Map<string, Remembered>();

  let looks = 0;

  /** What is known of a name, where `isGood` takes it, else what a new look into the store gives. */
  const recall = (name: string, isGood: (known: Remembered) => boolean): Remembered => {
    const known = remembered.get(name);
    if (known !== undefined && isGood(known)) return known;
    looks += 1;
    const fresh = { credentials: getTenantCredentials(db, name), sinceMs: nowMs(), look: looks };
    // set anew, so that the first of the map is the oldest
    remembered.delete(name);
    remembered.set(name, fresh);
    const [oldest] = remembered.keys();
    if (remembered.size > MOST_NAMES && oldest !== undefined) remembered.delete(oldest);
    fresh.credentials.catch(() => {
      if (remembered.get(name) === fresh) remembered.delete(name);
    });
    return fresh;
  };

  const match = (credentials: TenantCredentials | undefined, given: Buffer): Tenant | undefined => {
    const keyId = findKey(credentials, given);
    if (credentials === undefined || keyId === undefined) return undefined;
    onUse?.(keyId);
    return credentials.tenant;
  };

  return async (name, apiKey) => {
    const given = hashApiKey(apiKey);
    const looksBefore = looks;
    const known = recall(name, ({ sinceMs }) => nowMs() - sinceMs <= REMEMBER_MS);
    const tenant = match(await known.credentials, given);
    if (tenant !== undefined) return tenant;
    // a new key works at once: one that is not known is looked for after it was asked about
    const again = recall(name, ({ look }) => look > looksBefore);
    return again === known ? undefined : match(await again.credentials, given);
  };
}

/** The key that is the given one. Looks at all of them whatever it finds. */
function findKey(credentials: TenantCredentials | undefined, given: Buffer): number | undefined {
  let found: number | undefined;
  for (const { id, hash } of credentials?.keys ?? NOBODY) {
    if (timingSafeEqual(hash, given)) found = id;
  }
  return found;
}
