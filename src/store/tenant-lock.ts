import { sql } from 'kysely';
import { type Db, executePrepared } from './db.ts';

/**
 * Takes the lock under which a tenant's slots are given out, until the transaction ends. What changes
 * a waiting job takes it first. Inserts of jobs do not wait for it (NO KEY UPDATE lets their KEY SHARE
 * lock through).
 */
export async function lockTenant(transaction: Db, tenantId: number): Promise<void> {
  await sql`SELECT FROM tenants WHERE id = ${tenantId} FOR NO KEY UPDATE`.execute(transaction);
}

/**
 * {@link lockTenant} for the tenant of a job. What ends or halts a job takes it before the job's row: a
 * person's change of the same job takes the two in this order, and so does admission.
 */
export async function lockTenantOfJob(transaction: Db, jobId: number): Promise<void> {
  await executePrepared(
    transaction,
    'lock_tenant_of_job',
    sql`SELECT FROM tenants WHERE id = (SELECT tenant_id FROM jobs WHERE id = ${jobId})
        FOR NO KEY UPDATE`,
  );
}
