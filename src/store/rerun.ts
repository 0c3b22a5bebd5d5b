import { sql } from 'kysely';
import type { FolderClaims } from '../domain/folder-claims.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import { type Db, inTransaction } from './db.ts';
import type { Job } from './jobs.ts';
import { SEVERITIES } from '../domain/severity.ts';

/** What came of asking for a job to be run again. */
export type RerunOutcome =
  | { readonly kind: 'accepted'; readonly jobId: number; readonly isQueued: boolean }
  | { readonly kind: 'unknown' }
  /** It has not ended. */
  | { readonly kind: 'open'; readonly state: number }
  /** It was run again already, as this job. */
  | { readonly kind: 'repeated'; readonly jobId: number };

/**
 * Makes a new job of an ended one, with the same parameters, priority, `run_at`, semaphore and URLs; the
 * original becomes `broken`. Of two requests at once one makes the job, the other is told of it.
 * `claimsOf` says what the new job takes: roots may have changed since the original was submitted. Where
 * it is left out or says undefined, the new job takes what the original took.
 */
export async function rerunJob(
  db: Db,
  tenantId: number,
  jobId: number,
  claimsOf?: (job: Pick<Job, 'workflow' | 'parameters'>) => FolderClaims | undefined,
): Promise<RerunOutcome> {
  return inTransaction(db, async (transaction) => {
    const { rows } = await sql<{
      queue_state: number;
      has_ended: boolean;
      workflow: string;
      parameters: string;
    }>`
      SELECT queue_state, ended_at IS NOT NULL AS has_ended, workflow, parameters
      FROM jobs WHERE id = ${jobId} AND tenant_id = ${tenantId} FOR UPDATE`.execute(transaction);
    const row = rows[0];
    if (row === undefined) return { kind: 'unknown' };
    if (!row.has_ended) return { kind: 'open', state: row.queue_state };
    const again = await findRerun(transaction, jobId);
    if (again !== undefined) return { kind: 'repeated', jobId: again };
    const copy = await copyJob(transaction, jobId, claimsOf?.(row));
    await sql`
      WITH original AS (
        UPDATE jobs SET queue_state = ${JOB_STATES.broken}, updated_at = clock_timestamp()
        WHERE id = ${jobId} RETURNING id
      )
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${SEVERITIES.indexOf('INFO')}::smallint, 'api', ${`Run again as job ${copy.id}`}
      FROM original`.execute(transaction);
    return {
      kind: 'accepted',
      jobId: copy.id,
      isQueued: copy.queue_state === JOB_STATES.queued,
    };
  });
}

/** A statement of its own: one that waited for the lock still sees what was there before. */
async function findRerun(transaction: Db, jobId: number): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM jobs WHERE rerun_of = ${jobId}`.execute(transaction);
  return rows[0]?.id;
}

async function copyJob(
  transaction: Db,
  jobId: number,
  claims: FolderClaims | undefined,
): Promise<{ readonly id: number; readonly queue_state: number }> {
  const { rows } = await sql<{ id: number; queue_state: number }>`
    WITH job AS (
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, custom_data,
                        run_at, semaphore_url, persist, search_text, rerun_of, undo_of,
                        writes_to, reads_from, clears)
      SELECT tenant_id, workflow, content_id, priority,
             CASE WHEN semaphore_url IS NOT NULL OR run_at > clock_timestamp()
                  THEN ${JOB_STATES.scheduled}::smallint ELSE ${JOB_STATES.queued}::smallint END,
             parameters, custom_data, run_at, semaphore_url, persist, search_text, id, undo_of,
             coalesce(${claims?.writesTo}::text[], writes_to),
             coalesce(${claims?.readsFrom}::text[], reads_from),
             coalesce(${claims?.clears}::boolean, clears)
      FROM jobs WHERE id = ${jobId}
      RETURNING id, queue_state
    ), stream AS (
      INSERT INTO streams (job_id, endpoint_id, url)
      SELECT job.id, endpoint_id, url FROM job, streams WHERE job_id = ${jobId} ORDER BY streams.id
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${SEVERITIES.indexOf('INFO')}::smallint, 'api', ${`Job accepted: job ${jobId} again`} FROM job
    )
    SELECT id, queue_state FROM job`.execute(transaction);
  if (rows[0] === undefined) throw new Error(`Postgres copied job ${jobId} without saying its id`);
  return rows[0];
}
