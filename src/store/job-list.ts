import { sql } from 'kysely';
import type { Db } from './db.ts';
import { JOB_COLUMNS, type Job, jobFromRow } from './jobs.ts';

/** What a listing is narrowed to; every part that is given must hold. */
export interface JobFilter {
  readonly tenantId: number;
  /** Jobs at most, newest first. */
  readonly limit: number;
  /** State number, 0–6. */
  readonly state?: number;
  /** Text that the content id or any submitted value contains, in any case of letters. */
  readonly search?: string;
  readonly jobIds?: readonly number[];
}

const likePattern = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** A tenant's jobs, newest first. */
export async function listJobs(db: Db, filter: JobFilter): Promise<readonly Job[]> {
  const conditions = [sql`tenant_id = ${filter.tenantId}`];
  if (filter.state !== undefined) conditions.push(sql`queue_state = ${filter.state}`);
  if (filter.search !== undefined && filter.search !== '') {
    conditions.push(sql`search_text ILIKE ${likePattern(filter.search)}`);
  }
  if (filter.jobIds !== undefined) {
    conditions.push(sql`jobs.id = ANY (${filter.jobIds}::bigint[])`);
  }
  const { rows } = await sql<Parameters<typeof jobFromRow>[0]>`
    SELECT ${JOB_COLUMNS} FROM jobs JOIN tenants ON tenants.id = tenant_id
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY jobs.id DESC LIMIT ${filter.limit}`.execute(db);
  return rows.map(jobFromRow);
}
