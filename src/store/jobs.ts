import { sql } from 'kysely';
import type { JobResult } from '../domain/callback.ts';
import type { CallbackShape } from '../domain/callback-shape.ts';
import { type FolderClaims, NO_CLAIMS } from '../domain/folder-claims.ts';
import { JOB_STATES, type JobState, jobStateName } from '../domain/job-state.ts';
import { type Db, executePrepared } from './db.ts';
import { arrayLiteral } from './folder-claims.ts';
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
  /** What it takes of the tenant's storages. Default: nothing. */
  readonly claims?: FolderClaims;
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

const claimsOf = (job: NewJob): FolderClaims => job.claims ?? NO_CLAIMS;

/** Inserts one job, see {@link insertJobs}. */
export async function insertJob(db: Db, job: NewJob): Promise<number> {
  const [id] = await insertJobs(db, [job]);
  if (id === undefined) throw new Error('Postgres inserted a job without saying its id');
  return id;
}

/**
 * Inserts jobs with their first log rows and the streams their callbacks will flow in, all or none, in
 * one statement; their ids ascend in the order given. A dozen jobs cost about as much as three alone.
 * Text must hold no NUL: `parameters` and `custom_data` are JSON text, where it is escaped.
 */
export async function insertJobs(db: Db, jobs: readonly NewJob[]): Promise<readonly number[]> {
  const column = <Value>(value: (job: NewJob) => Value): Value[] => jobs.map(value);
  const urls = jobs.flatMap((job, at) =>
    job.callbackUrls.map(({ url, origin }) => ({
      at: at + 1,
      tenantId: job.tenantId,
      url,
      origin,
    })),
  );
  const notes = jobs.flatMap((job, at) => job.notes.map((note) => ({ at: at + 1, ...note })));
  const { rows } = await executePrepared(
    db,
    'insert_jobs',
    sql<{ id: number }>`
    WITH job AS MATERIALIZED (
      SELECT nextval('jobs_id_seq') AS id, given.* FROM unnest(
        ${column((job) => job.tenantId)}::integer[], ${column((job) => job.workflow)}::text[],
        ${column((job) => job.contentId)}::text[], ${column((job) => job.priority)}::smallint[],
        ${column((job) => JOB_STATES[job.state])}::smallint[],
        ${column((job) => job.parameters)}::text[], ${column((job) => job.customData)}::text[],
        ${column((job) => job.runAt)}::timestamptz[], ${column((job) => job.semaphoreUrl)}::text[],
        ${column((job) => job.isPersistent)}::boolean[], ${column((job) => job.searchText)}::text[],
        ${column((job) => arrayLiteral(claimsOf(job).writesTo))}::text[],
        ${column((job) => arrayLiteral(claimsOf(job).readsFrom))}::text[],
        ${column((job) => claimsOf(job).clears)}::boolean[]
      ) WITH ORDINALITY AS given (tenant_id, workflow, content_id, priority, queue_state, parameters,
        custom_data, run_at, semaphore_url, persist, search_text, writes_to, reads_from, clears, at)
    ), inserted AS (
      INSERT INTO jobs (id, tenant_id, workflow, content_id, priority, queue_state, parameters,
                        custom_data, run_at, semaphore_url, persist, search_text,
                        writes_to, reads_from, clears)
      OVERRIDING SYSTEM VALUE
      SELECT id, tenant_id, workflow, content_id, priority,
             CASE WHEN semaphore_url IS NOT NULL OR run_at > clock_timestamp()
                  THEN ${JOB_STATES.scheduled}::smallint
                  WHEN run_at IS NOT NULL THEN ${JOB_STATES.queued}::smallint
                  ELSE queue_state END,
             parameters, custom_data, run_at, semaphore_url, persist, search_text,
             writes_to::text[], reads_from::text[], clears
      FROM job ORDER BY at
    ), target AS MATERIALIZED (
      SELECT * FROM unnest(${urls.map((one) => one.at)}::bigint[],
        ${urls.map((one) => one.tenantId)}::integer[], ${urls.map((one) => one.url)}::text[],
        ${urls.map((one) => one.origin)}::text[]) AS given (at, tenant_id, url, origin)
    ), added AS (
      INSERT INTO endpoints (tenant_id, origin)
      SELECT DISTINCT tenant_id, origin FROM target
      WHERE NOT EXISTS (SELECT FROM endpoints e
                        WHERE e.tenant_id = target.tenant_id AND e.origin = target.origin)
      ORDER BY tenant_id, origin
      ON CONFLICT (tenant_id, origin) DO UPDATE SET origin = excluded.origin
      RETURNING id, tenant_id, origin
    ), stream AS (
      INSERT INTO streams (job_id, endpoint_id, url)
      SELECT job.id, coalesce(known.id, added.id), target.url
      FROM target JOIN job USING (at)
      LEFT JOIN endpoints known ON known.tenant_id = target.tenant_id AND known.origin = target.origin
      LEFT JOIN added ON added.tenant_id = target.tenant_id AND added.origin = target.origin
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT job.id, severity, 'api', message
      FROM unnest(${notes.map((note) => note.at)}::bigint[],
                  ${notes.map((note) => SEVERITIES.indexOf(note.severity))}::smallint[],
                  ${notes.map((note) => withoutNul(note.message))}::text[])
        WITH ORDINALITY AS note (at, severity, message, ord)
      JOIN job USING (at) ORDER BY at, ord
    )
    SELECT id FROM job ORDER BY at`,
  );
  return rows.map((row) => row.id);
}

/** What every callback of a job is made of. */
export interface JobIdentity extends Pick<Job, 'id' | 'tenant' | 'workflow' | 'contentId'> {
  /** How the tenant wants its callbacks' bodies; null takes the contract's. */
  readonly shape: CallbackShape | null;
}

/** A job's identity, whoever owns it, with the templates that apply now. */
export async function getJobIdentity(db: Db, jobId: number): Promise<JobIdentity | undefined> {
  const { rows } = await sql<{
    id: number;
    tenant: string;
    workflow: string;
    content_id: string | null;
    shape: CallbackShape | null;
  }>`
    SELECT jobs.id, tenants.name AS tenant, workflow, content_id, shape
    FROM jobs JOIN tenants ON tenants.id = jobs.tenant_id
      LEFT JOIN callback_settings c ON c.tenant_id = jobs.tenant_id
    WHERE jobs.id = ${jobId}`.execute(db);
  const row = rows[0];
  return (
    row && {
      id: row.id,
      tenant: row.tenant,
      workflow: row.workflow,
      contentId: row.content_id,
      shape: row.shape,
    }
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
