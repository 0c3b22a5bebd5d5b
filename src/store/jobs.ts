import { sql } from 'kysely';
import type { JobResult } from '../domain/callback.ts';
import { JOB_STATES, type JobState, jobStateName } from '../domain/job-state.ts';
import { type Db, executePrepared } from './db.ts';
import { SEVERITIES, type Severity } from '../domain/severity.ts';
import { withoutNul } from './logs.ts';

/** What a listing shows of a job: all but its large texts. */
export interface JobSummary {
  readonly id: number;
  readonly tenantId: number;
  readonly tenant: string;
  readonly workflow: string;
  readonly contentId: string | null;
  readonly priority: number;
  readonly state: JobState;
  readonly isFailed: boolean;
  readonly runAt: Date | null;
  readonly semaphoreUrl: string | null;
  readonly isPersistent: boolean;
  readonly message: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** A job as the store keeps it. */
export interface Job extends JobSummary {
  /** JSON text as submitted, with numbers and booleans sent as strings set right. */
  readonly parameters: string;
  /** `custom_data` byte for byte, null where there was none. */
  readonly customData: string | null;
  readonly result: JobResult | null;
}

/** What a submission becomes. */
export interface NewJob {
  readonly tenantId: number;
  readonly workflow: string;
  readonly contentId: string | null;
  readonly priority: number;
  /** What the submission's own clock says; with a `run_at` or a semaphore Postgres' clock decides. */
  readonly state: 'queued' | 'scheduled';
  readonly parameters: string;
  readonly customData: string | null;
  readonly runAt: Date | null;
  readonly semaphoreUrl: string | null;
  readonly isPersistent: boolean;
  /** Everything `search` looks through. */
  readonly searchText: string;
  /** Each URL that gets the job's callbacks, once, with its scheme, host and port. */
  readonly callbackUrls: readonly { readonly url: string; readonly origin: string }[];
  /** First rows of the job's log. */
  readonly notes: readonly JobNote[];
}

/** A row that a job's log begins with. */
export interface JobNote {
  readonly severity: Severity;
  readonly message: string;
}

interface SummaryRow {
  id: number;
  tenant_id: number;
  tenant: string;
  workflow: string;
  content_id: string | null;
  priority: number;
  queue_state: number;
  failed: boolean;
  run_at: Date | null;
  semaphore_url: string | null;
  persist: boolean;
  message: string | null;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

interface JobRow extends SummaryRow {
  parameters: string;
  custom_data: string | null;
  result: JobResult | null;
}

/** Columns of a {@link JobSummary}, for queries that join `tenants`. */
export const SUMMARY_COLUMNS = sql.raw(`
  jobs.id, tenant_id, tenants.name AS tenant, workflow, content_id, priority, queue_state, failed,
  run_at, semaphore_url, persist, message, jobs.created_at, updated_at, started_at, ended_at`);

const JOB_COLUMNS = sql`${SUMMARY_COLUMNS}, parameters, custom_data, result`;

/** Maps a row of {@link SUMMARY_COLUMNS}. */
export const summaryFromRow = (row: SummaryRow): JobSummary => ({
  id: row.id,
  tenantId: row.tenant_id,
  tenant: row.tenant,
  workflow: row.workflow,
  contentId: row.content_id,
  priority: row.priority,
  state: jobStateName(row.queue_state),
  isFailed: row.failed,
  runAt: row.run_at,
  semaphoreUrl: row.semaphore_url,
  isPersistent: row.persist,
  message: row.message,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
});

const jobFromRow = (row: JobRow): Job => ({
  ...summaryFromRow(row),
  parameters: row.parameters,
  customData: row.custom_data,
  result: row.result,
});

/**
 * Inserts a job with its first log rows and the streams its callbacks will flow in, in one statement.
 * Text must hold no NUL: `parameters` and `custom_data` are JSON text, where it is escaped.
 */
export async function insertJob(db: Db, job: NewJob): Promise<number> {
  const urls = job.callbackUrls.map((one) => one.url);
  const origins = job.callbackUrls.map((one) => one.origin);
  const { rows } = await executePrepared(
    db,
    'insert_job',
    sql<{ id: number }>`
    WITH job AS (
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, custom_data,
                        run_at, semaphore_url, persist, search_text)
      VALUES (${job.tenantId}, ${job.workflow}, ${job.contentId}, ${job.priority},
              CASE WHEN ${job.semaphoreUrl}::text IS NOT NULL
                     OR ${job.runAt}::timestamptz > clock_timestamp() THEN ${JOB_STATES.scheduled}::smallint
                   WHEN ${job.runAt}::timestamptz IS NOT NULL THEN ${JOB_STATES.queued}::smallint
                   ELSE ${JOB_STATES[job.state]}::smallint END,
              ${job.parameters}, ${job.customData}, ${job.runAt},
              ${job.semaphoreUrl}, ${job.isPersistent}, ${job.searchText})
      RETURNING id
    ), added AS (
      INSERT INTO endpoints (tenant_id, origin)
      SELECT DISTINCT ${job.tenantId}::integer, origin
      FROM unnest(${origins}::text[]) AS given (origin)
      WHERE NOT EXISTS (SELECT FROM endpoints e WHERE e.tenant_id = ${job.tenantId} AND e.origin = given.origin)
      ON CONFLICT (tenant_id, origin) DO UPDATE SET origin = excluded.origin
      RETURNING id, origin
    ), endpoint AS (
      SELECT id, origin FROM added
      UNION ALL
      SELECT id, origin FROM endpoints
      WHERE tenant_id = ${job.tenantId} AND origin = ANY (${origins}::text[])
        AND origin NOT IN (SELECT origin FROM added)
    ), stream AS (
      INSERT INTO streams (job_id, endpoint_id, url)
      SELECT job.id, endpoint.id, given.url
      FROM job, unnest(${urls}::text[], ${origins}::text[]) AS given (url, origin)
      JOIN endpoint USING (origin)
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT job.id, severity, 'api', message
      FROM job, unnest(${job.notes.map((note) => SEVERITIES.indexOf(note.severity))}::smallint[],
                       ${job.notes.map((note) => withoutNul(note.message))}::text[])
        WITH ORDINALITY AS note (severity, message, ord)
      ORDER BY ord
    )
    SELECT id FROM job`,
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('Postgres inserted a job without saying its id');
  return id;
}

/** What never changes about a job and every callback tells. */
export type JobIdentity = Pick<Job, 'id' | 'tenant' | 'workflow' | 'contentId'>;

/** A job's identity, whoever owns it. */
export async function getJobIdentity(db: Db, jobId: number): Promise<JobIdentity | undefined> {
  const { rows } = await sql<{
    id: number;
    tenant: string;
    workflow: string;
    content_id: string | null;
  }>`
    SELECT jobs.id, tenants.name AS tenant, workflow, content_id
    FROM jobs JOIN tenants ON tenants.id = tenant_id WHERE jobs.id = ${jobId}`.execute(db);
  const row = rows[0];
  return (
    row && { id: row.id, tenant: row.tenant, workflow: row.workflow, contentId: row.content_id }
  );
}

/** One job, whoever owns it. */
export async function getJob(db: Db, jobId: number): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    SELECT ${JOB_COLUMNS} FROM jobs JOIN tenants ON tenants.id = tenant_id
    WHERE jobs.id = ${jobId}`.execute(db);
  return rows[0] && jobFromRow(rows[0]);
}

/** One job of a tenant; a foreign job looks like one that does not exist. */
export async function getTenantJob(
  db: Db,
  tenantId: number,
  jobId: number,
): Promise<Job | undefined> {
  const { rows } = await sql<JobRow>`
    SELECT ${JOB_COLUMNS} FROM jobs JOIN tenants ON tenants.id = tenant_id
    WHERE jobs.id = ${jobId} AND tenant_id = ${tenantId}`.execute(db);
  return rows[0] && jobFromRow(rows[0]);
}
