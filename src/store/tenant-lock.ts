import { sql } from 'kysely';
import type { Db } from './db.ts';

/**
 * Takes the lock under which a tenant's slots are given out, until the transaction ends. What changes
 * a waiting job takes it first. Inserts of jobs do not wait for it (NO KEY UPDATE lets their KEY SHARE
 * lock through).
 */
export async function lockTenant(transaction: Db, tenantId: number): Promise<void> {
  await sql`SELECT FROM tenants WHERE id = ${tenantId} FOR NO KEY UPDATE`.execute(transaction);
}
