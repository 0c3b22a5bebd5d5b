import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { Db } from '../../src/store/db.ts';
import { makeOnce } from '../../src/store/idempotency.ts';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';

/** The header `Idempotency-Key` of a request, undefined where there is none. Throws a 400. */
export function idempotencyKey(c: Context<ApiEnv>): string | undefined {
  const key = c.req.header('idempotency-key');
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new ApiError(
    400,
    'Idempotency-Key: must have 1 to 255 visible ASCII characters, without spaces',
  );
}

/**
 * Makes a request's job once for its key, in the transaction that `make` is given; the same request
 * within 24 hours gets the same job again, and the header `Idempotent-Replayed: true`. Throws a 409
 * where the key stands for another request of this client. What `make` throws leaves nothing behind.
 */
export async function makeJobOnce(
  c: Context<ApiEnv>,
  db: Db,
  key: string,
  make: (transaction: Db) => Promise<number>,
): Promise<{ readonly jobId: number; readonly isRepeated: boolean }> {
  const hash = createHash('sha256')
    .update(`${c.req.method} ${c.req.path}\n`)
    .update(c.get('body')?.text ?? '')
    .digest();
  const outcome = await makeOnce(db, { tenantId: c.get('tenant').id, key, hash }, make);
  if (outcome.kind === 'clash') {
    throw new ApiError(
      409,
      `Idempotency-Key: "${key}" was used with another request; send a key of its own for each`,
    );
  }
  const isRepeated = outcome.kind === 'repeated';
  if (isRepeated) c.header('idempotent-replayed', 'true');
  return { jobId: outcome.jobId, isRepeated };
}
