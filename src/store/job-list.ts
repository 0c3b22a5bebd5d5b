import { sql } from 'kysely';
import type { Db } from './db.ts';
import { type JobSummary, SUMMARY_COLUMNS, summaryFromRow } from './jobs.ts';
import { withoutNul } from './logs.ts';

/** What a listing is narrowed to; every part that is given must hold. */
export interface JobFilter {
  readonly tenantId: number;
  /** Jobs at most, newest first. */
  readonly limit: number;
  /** State number, 0–6. */
  readonly state?: number | undefined;
  /** Text that the content id or any submitted value contains, in any case of letters. */
  readonly search?: string | undefined;
  readonly jobIds?: readonly number[] | undefined;
}

// a search text holds no NUL, see `withoutNul`
const likePattern = (text: string): string => `%${withoutNul(text).replaceAll(/[\\%_]/g, '\\$&')}%`;

/**
 * A tenant's jobs, newest first, without their parameters: a thousand jobs may hold 2 MiB each.
 */
export async function listJobs(db: Db, filter: JobFilter): Promise<readonly JobSummary[]> {
  const conditions = [sql`tenant_id = ${filter.tenantId}`];
  if (filter.state !== undefined) conditions.push(sql`queue_state = ${filter.state}`);
  if (filter.search !== undefined && filter.search !== '') {
    conditions.push(sql`search_text ILIKE ${likePattern(filter.search)}`);
  }
  if (filter.jobIds !== undefined) {
    conditions.push(sql`jobs.id = ANY (${filter.jobIds}::bigint[])`);
  }
  const { rows } = await sql<Parameters<typeof summaryFromRow>[0]>`
    SELECT ${SUMMARY_COLUMNS} FROM jobs JOIN tenants ON tenants.id = tenant_id
    WHERE ${sql.join(conditions, sql` AND `)}
    ORDER BY jobs.id DESC LIMIT ${filter.limit}`.execute(db);
  return rows.map(summaryFromRow);
}
