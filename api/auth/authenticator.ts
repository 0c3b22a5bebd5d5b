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
/** A wrong key is looked for again where what is remembered is older: a new key works at once. */
const DOUBT_MS = 250;
/** Names remembered, unknown ones among them. */
const MOST_NAMES = 10_000;

/** A hash that no key has: what the key of an unknown tenant is compared with. */
const NOBODY = [{ id: 0, hash: Buffer.alloc(32) }];

interface Remembered {
  readonly credentials: Promise<TenantCredentials | undefined>;
  readonly sinceMs: number;
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

  const recall = (name: string, maxAgeMs: number): Remembered => {
    const known = remembered.get(name);
    if (known !== undefined && nowMs() - known.sinceMs <= maxAgeMs) return known;
    const fresh = { credentials: getTenantCredentials(db, name), sinceMs: nowMs() };
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
    const known = recall(name, REMEMBER_MS);
    const tenant = match(await known.credentials, given);
    if (tenant !== undefined) return tenant;
    const again = recall(name, DOUBT_MS);
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
