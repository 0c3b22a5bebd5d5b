import { createHash, timingSafeEqual } from 'node:crypto';
import { listApiKeyHashes } from '../src/store/api-keys.ts';
import type { Db } from '../src/store/db.ts';
import { getTenant, type Tenant } from '../src/store/tenants.ts';

/** How long a tenant's keys are remembered, milliseconds: a revoked key dies within this. */
const REMEMBER_MS = 3000;
const REMEMBERED = 10_000;

/** A hash that no key has: what an unknown tenant's key is compared with. */
const NOBODY = Buffer.alloc(32);

interface Known {
  readonly tenant: Tenant | undefined;
  readonly hashes: readonly Buffer[];
  readonly untilMs: number;
}

/** The hash under which a key is kept. Keys are long and random, so one round is enough. */
export const hashApiKey = (apiKey: string): Buffer => createHash('sha256').update(apiKey).digest();

/** Finds the tenant that a name and a key belong to, in constant time for right and wrong ones. */
export type Authenticate = (name: string, apiKey: string) => Promise<Tenant | undefined>;

/** Makes an {@link Authenticate} over the store. */
export function createAuthenticator(db: Db): Authenticate {
  const known = new Map<string, Known>();

  const load = async (name: string): Promise<Known> => {
    const remembered = known.get(name);
    if (remembered !== undefined && remembered.untilMs > Date.now()) return remembered;
    const tenant = await getTenant(db, name);
    const hashes = tenant === undefined ? [] : await listApiKeyHashes(db, tenant.id);
    const fresh = { tenant, hashes, untilMs: Date.now() + REMEMBER_MS };
    if (known.size >= REMEMBERED) known.clear();
    known.set(name, fresh);
    return fresh;
  };

  return async (name, apiKey) => {
    const { tenant, hashes } = await load(name);
    const given = hashApiKey(apiKey);
    let isRight = false;
    for (const hash of hashes.length === 0 ? [NOBODY] : hashes) {
      isRight = timingSafeEqual(hash, given) || isRight;
    }
    return isRight ? tenant : undefined;
  };
}
