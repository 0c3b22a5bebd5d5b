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
