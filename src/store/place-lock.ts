import { sql } from 'kysely';
import type { Db } from './db.ts';

const keyOf = (tenantId: number, location: string) =>
  sql`hashtextextended(${`publish ${tenantId} ${location}`}, 0)`;

/** Waits for a tenant's folder, to be the only one that changes what is on air there until the transaction ends. */
export async function lockPlace(
  transaction: Db,
  tenantId: number,
  location: string,
): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${keyOf(tenantId, location)})`.execute(transaction);
}

/** {@link lockPlace} without waiting; false where somebody else has it. */
export async function tryLockPlace(
  transaction: Db,
  tenantId: number,
  location: string,
): Promise<boolean> {
  const { rows } = await sql<{ is_locked: boolean }>`
    SELECT pg_try_advisory_xact_lock(${keyOf(tenantId, location)}) AS is_locked`.execute(
    transaction,
  );
  return rows[0]?.is_locked ?? false;
}
