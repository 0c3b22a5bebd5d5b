import { sql } from 'kysely';
import { type Db, inTransaction } from './db.ts';

/** Hours for which a key is remembered. */
const KEPT_HOURS = 24;

/** A request that may be sent again. */
export interface KeyedRequest {
  readonly tenantId: number;
  /** What the client calls it, 1–255 characters. */
  readonly key: string;
  /** SHA-256 of what was asked: method, path and body. */
  readonly hash: Buffer;
}

/** What became of a {@link KeyedRequest}. */
export type KeyedOutcome =
  /** The job was made, now or by the same request before. */
  | { readonly kind: 'made' | 'repeated'; readonly jobId: number }
  /** The key stands for another request. */
  | { readonly kind: 'clash' };

/**
 * Makes a job once for each key: `make` runs in a transaction together with the key. Whoever comes with
 * the same key meanwhile waits for its end; where it failed or its process died, nothing of it is left
 * and the next one makes the job. Throws what `make` throws.
 */
export function makeOnce(
  db: Db,
  request: KeyedRequest,
  make: (transaction: Db) => Promise<number>,
): Promise<KeyedOutcome> {
  return inTransaction(db, async (transaction) => {
    if (await claimKey(transaction, request)) {
      const jobId = await make(transaction);
      await setJob(transaction, request, jobId);
      return { kind: 'made', jobId };
    }
    const former = await getRequest(transaction, request);
    const isSame = former?.request_hash.equals(request.hash) ?? false;
    if (former === undefined || former.job_id === null || !isSame) return { kind: 'clash' };
    return { kind: 'repeated', jobId: former.job_id };
  });
}

/** Takes a key that is free or forgotten; a taken one is locked, so that it stays until the end. */
async function claimKey(transaction: Db, { tenantId, key, hash }: KeyedRequest): Promise<boolean> {
  const { rows } = await sql<{ key: string }>`
    INSERT INTO idempotency_keys AS former (tenant_id, key, request_hash)
    VALUES (${tenantId}, ${key}, ${hash})
    ON CONFLICT (tenant_id, key) DO UPDATE
      SET request_hash = excluded.request_hash, created_at = excluded.created_at, job_id = NULL
      WHERE former.created_at < clock_timestamp() - make_interval(hours => ${KEPT_HOURS})
    RETURNING key`.execute(transaction);
  return rows.length > 0;
}

async function setJob(
  transaction: Db,
  { tenantId, key }: KeyedRequest,
  jobId: number,
): Promise<void> {
  await sql`UPDATE idempotency_keys SET job_id = ${jobId}
            WHERE tenant_id = ${tenantId} AND key = ${key}`.execute(transaction);
}

async function getRequest(
  transaction: Db,
  { tenantId, key }: KeyedRequest,
): Promise<{ request_hash: Buffer; job_id: number | null } | undefined> {
  const { rows } = await sql<{ request_hash: Buffer; job_id: number | null }>`
    SELECT request_hash, job_id FROM idempotency_keys
    WHERE tenant_id = ${tenantId} AND key = ${key}`.execute(transaction);
  return rows[0];
}

/** Forgets up to `limit` keys whose time is over; returns how many. */
export async function deleteExpiredKeys(db: Db, limit: number): Promise<number> {
  const { rows } = await sql<{ key: string }>`
    DELETE FROM idempotency_keys WHERE (tenant_id, key) IN (
      SELECT tenant_id, key FROM idempotency_keys
      WHERE created_at < clock_timestamp() - make_interval(hours => ${KEPT_HOURS})
      ORDER BY created_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING key`.execute(db);
  return rows.length;
}
