import { sql } from 'kysely';
import { describeWait } from '../domain/folder-queue.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import { createPicker, type PassedJob, type Picker } from '../domain/pick-jobs.ts';
import { settingsFrom } from '../domain/settings.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { freeSlots } from '../domain/slots.ts';
import { type Db, inTransaction } from './db.ts';
import { listHolders } from './folder-claims.ts';
import { listQueued, startJobs } from './queued-jobs.ts';
import { settingsOf } from './settings.ts';

/**
 * The jobs that hold a slot: those that run, and those that were paused or given up while they ran and
 * whose workflow has not stopped yet. The condition of the index `jobs_slots`, word for word.
 */
export const HOLDS_SLOT = sql.raw(
  `(queue_state = ${JOB_STATES.started} OR is_leaving) AND ended_at IS NULL`,
);

/**
 * Gives a tenant's free slots to its next jobs and returns their ids. Safe to call at any time and
 * any number of times at once: the tenant's row is the lock, and running jobs and the folders they hold
 * are read from their rows, so nothing can drift. Jobs go by priority number, then in order of
 * submission; one whose folder another job holds, or one ahead of it wants, is passed over, and its log says
 * for whom it waits. Those of a disabled tenant wait until it is enabled.
 */
export async function admitJobs(db: Db, tenantId: number): Promise<readonly number[]> {
  return inTransaction(db, (transaction) => admitInTransaction(transaction, tenantId));
}

/** {@link admitJobs} inside a transaction that has freed a slot or a folder. */
export async function admitInTransaction(
  transaction: Db,
  tenantId: number,
): Promise<readonly number[]> {
  const { rows: known } = await sql`
    SELECT 1 AS one FROM tenants WHERE id = ${tenantId} AND disabled_at IS NULL
    FOR NO KEY UPDATE`.execute(transaction); // lets the KEY SHARE lock of inserts of jobs through
  if (known[0] === undefined) return [];
  // a statement of its own: the one that waited for the lock sees what was there before it waited
  const { rows: state } = await sql<{ settings: Record<string, string>; held: number[] }>`
    SELECT ${settingsOf(sql`${tenantId}::integer`)} AS settings,
           ARRAY(SELECT priority FROM jobs WHERE tenant_id = ${tenantId} AND ${HOLDS_SLOT}) AS held`.execute(
    transaction,
  );
  const held = state[0]?.held ?? [];
  const settings = settingsFrom(state[0]?.settings ?? {});
  const { priorityThreshold } = settings;
  const free = freeSlots(settings, {
    started: held.length,
    startedOrdinary: held.filter((priority) => priority > priorityThreshold).length,
  });
  if (free.any === 0) return [];
  const holders = await listHolders(transaction, tenantId);
  const picker = createPicker({ free, priorityThreshold, holders });
  await offerQueue(transaction, tenantId, picker, {
    slots: free.any,
    taken: holders.flatMap(({ claims }) => claims.writesTo).slice(0, MOST_TAKEN),
  });
  return startJobs(transaction, picker.admitted);
}

/** Folders that the database compares the jobs of a queue with: each takes it time for each job. */
const MOST_TAKEN = 16;

/** Jobs that are read at once at the most. */
const LARGEST_PAGE = 5000;

/** Offers slots to the jobs of the queue, as far as it takes to give them away. */
async function offerQueue(
  transaction: Db,
  tenantId: number,
  picker: Picker,
  { slots, taken }: { readonly slots: number; readonly taken: readonly string[] },
): Promise<void> {
  const first = { limit: slots, behind: undefined, taken: [] };
  let jobs = await listQueued(transaction, tenantId, first);
  let isOpen = jobs.every(picker.offer) && jobs.length === slots;
  // told to those alone that would have had a slot: the others wait for one in any case
  await insertWaits(transaction, picker.passed);
  for (let limit = slots; isOpen && picker.admitted.length < slots; ) {
    limit = Math.min(limit * 8, LARGEST_PAGE);
    jobs = await listQueued(transaction, tenantId, { limit, behind: jobs.at(-1), taken });
    isOpen = jobs.every(picker.offer) && jobs.length === limit;
  }
}

/** Says in the logs of jobs for whom they wait, once for each. */
async function insertWaits(transaction: Db, passed: readonly PassedJob[]): Promise<void> {
  if (passed.length === 0) return;
  await sql`
    INSERT INTO logs (job_id, severity, progname, message)
    SELECT job_id, ${SEVERITIES.indexOf('INFO')}::smallint, 'controller', wait.message
    FROM unnest(${passed.map((one) => one.jobId)}::bigint[],
                ${passed.map(({ wait }) => `Waits for job ${wait.jobId}, which ${describeWait(wait)}`)}::text[])
      WITH ORDINALITY AS wait (job_id, message, ord)
    WHERE NOT EXISTS (SELECT FROM logs WHERE logs.job_id = wait.job_id AND logs.message = wait.message)
    ORDER BY ord`.execute(transaction);
}
