import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { type Db, inTransaction } from './db.ts';

/** What came of asking for a job's publication to be taken back. */
export type UndoOutcome =
  | { readonly kind: 'accepted'; readonly jobId: number }
  | { readonly kind: 'unknown' }
  /** It has not ended. */
  | { readonly kind: 'open'; readonly state: number }
  /** It published nothing, or nothing of it is known any more. */
  | { readonly kind: 'unpublished' }
  /** A later job has published the asset. */
  | { readonly kind: 'replaced'; readonly jobId: number }
  /** There was nothing before it, or it is not kept any more. */
  | { readonly kind: 'nothing' }
  /** This job is taking it back, or has. */
  | { readonly kind: 'undone'; readonly jobId: number; readonly isOpen: boolean };

/** How urgent an undo is: something wrong is on air. */
const PRIORITY = 1;

/**
 * Makes the job that takes a job's publication back, with its callbacks and `custom_data`; it claims the
 * folder that the original wrote. Of two requests
 * at once one makes the job, the other is told of it. One that failed may be asked for again.
 */
export async function undoJob(db: Db, tenantId: number, jobId: number): Promise<UndoOutcome> {
  return inTransaction(db, async (transaction) => {
    const { rows } = await sql<{ queue_state: number; has_ended: boolean }>`
      SELECT queue_state, ended_at IS NOT NULL AS has_ended
      FROM jobs WHERE id = ${jobId} AND tenant_id = ${tenantId} FOR UPDATE`.execute(transaction);
    const row = rows[0];
    if (row === undefined) return { kind: 'unknown' };
    if (!row.has_ended) return { kind: 'open', state: row.queue_state };
    // a statement of its own: one that waited for the lock sees what was there before it waited
    const found = await judgeUndo(transaction, tenantId, jobId);
    if (found.kind !== 'possible') return found;
    return { kind: 'accepted', jobId: await insertUndo(transaction, jobId) };
  });
}

/** Until when {@link undoJob} can be asked for a job that has ended; undefined where it would be refused. */
export async function getUndoDeadline(
  db: Db,
  tenantId: number,
  jobId: number,
): Promise<Date | undefined> {
  const found = await judgeUndo(db, tenantId, jobId);
  return found.kind === 'possible' ? found.until : undefined;
}

/** What would come of undoing a job that has ended. */
async function judgeUndo(
  db: Db,
  tenantId: number,
  jobId: number,
): Promise<UndoOutcome | { readonly kind: 'possible'; readonly until: Date }> {
  const { rows } = await sql<{
    undone_by: number | null;
    is_open: boolean;
    is_on_air: boolean;
    replaced_by: number | null;
    until: Date | null;
  }>`
    SELECT undo.id AS undone_by, coalesce(undo.ended_at IS NULL, false) AS is_open,
      EXISTS (SELECT FROM publications WHERE tenant_id = ${tenantId} AND job_id = ${jobId}) AS is_on_air,
      (SELECT max(replaced_by) FROM former_publications
       WHERE tenant_id = ${tenantId} AND job_id = ${jobId}) AS replaced_by,
      CASE WHEN former.kept_until > now() AND NOT former.is_purged THEN former.kept_until END AS until
    FROM (SELECT) AS one
    LEFT JOIN LATERAL (
      SELECT id, ended_at FROM jobs
      WHERE undo_of = ${jobId} AND tenant_id = ${tenantId} AND NOT failed
      ORDER BY id DESC LIMIT 1) AS undo ON true
    LEFT JOIN LATERAL (
      SELECT kept_until, is_purged FROM former_publications
      WHERE tenant_id = ${tenantId} AND replaced_by = ${jobId}
      ORDER BY id DESC LIMIT 1) AS former ON true`.execute(db);
  const found = rows[0];
  if (found === undefined) throw new Error('Postgres answered nothing');
  if (found.undone_by !== null) {
    return { kind: 'undone', jobId: found.undone_by, isOpen: found.is_open };
  }
  if (!found.is_on_air) {
    return found.replaced_by === null
      ? { kind: 'unpublished' }
      : { kind: 'replaced', jobId: found.replaced_by };
  }
  if (found.until !== null) return { kind: 'possible', until: found.until };
  return { kind: 'nothing' };
}

async function insertUndo(transaction: Db, jobId: number): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    WITH job AS (
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, custom_data,
                        persist, search_text, undo_of, writes_to)
      SELECT tenant_id, 'undo_publish', content_id, ${PRIORITY}, ${JOB_STATES.queued}::smallint,
             json_build_object('content_id', content_id, 'job_id', id)::text, custom_data,
             persist, search_text, id, writes_to
      FROM jobs WHERE id = ${jobId}
      RETURNING id
    ), stream AS (
      INSERT INTO streams (job_id, endpoint_id, url)
      SELECT job.id, endpoint_id, url FROM job, streams WHERE job_id = ${jobId} ORDER BY streams.id
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${SEVERITIES.indexOf('INFO')}::smallint, 'api',
             ${`Job accepted: undo of the publication of job ${jobId}`} FROM job
      UNION ALL
      SELECT ${jobId}, ${SEVERITIES.indexOf('INFO')}::smallint, 'api',
             'Publication is being undone by job ' || id FROM job
    )
    SELECT id FROM job`.execute(transaction);
  if (rows[0] === undefined) throw new Error(`Postgres made no undo of job ${jobId}`);
  return rows[0].id;
}
