import { createHash, timingSafeEqual } from 'node:crypto';
import type { Db } from '../src/store/db.ts';
import { getTenantCredentials, type Tenant, type TenantCredentials } from '../src/store/tenants.ts';

/** How long a tenant's keys are remembered, milliseconds: a revoked key dies within this. */
const REMEMBER_MS = 3000;
/** A wrong key is looked for again where what is remembered is older: a new key works at once. */
const DOUBT_MS = 250;
/** Names remembered, unknown ones among them. */
const MOST_NAMES = 10_000;

/** A hash that no key has: what the key of an unknown tenant is compared with. */
const NOBODY = Buffer.alloc(32);

interface Remembered {
  readonly credentials: Promise<TenantCredentials | undefined>;
  readonly sinceMs: number;
}

/** The hash under which a key is kept. Keys are long and random, so one round is enough. */
export const hashApiKey = (apiKey: string): Buffer => createHash('sha256').update(apiKey).digest();

/** Finds the tenant that a name and a key belong to, in constant time for right and wrong ones. */
export type Authenticate = (name: string, apiKey: string) => Promise<Tenant | undefined>;

/** Makes an {@link Authenticate} over the store. */
export function createAuthenticator(
  db: Db,
  nowMs: () => number = () => performance.now(),
): Authenticate {
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

  return async (name, apiKey) => {
    const given = hashApiKey(apiKey);
    const known = recall(name, REMEMBER_MS);
    const tenant = match(await known.credentials, given);
    if (tenant !== undefined) return tenant;
    const again = recall(name, DOUBT_MS);
    return again === known ? undefined : match(await again.credentials, given);
  };
}

/** The tenant, where one of its keys is the given one. Looks at all of them whatever it finds. */
function match(credentials: TenantCredentials | undefined, given: Buffer): Tenant | undefined {
  let isRight = false;
  for (const hash of credentials?.keyHashes ?? [NOBODY]) {
    isRight = timingSafeEqual(hash, given) || isRight;
  }
  return isRight ? credentials?.tenant : undefined;
}
