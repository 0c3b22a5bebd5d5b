import { sql } from 'kysely';
import { describeClash, type FolderClaims } from '../domain/folder-claims.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import { createPicker, type FolderWait, type Picker, type QueuedJob } from '../domain/pick-jobs.ts';
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
 * submission; one whose folder another job holds is passed over, and its log says for whom it waits.
 * Those of a disabled tenant wait until it is enabled.
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
  const next = await listQueued(transaction, tenantId, { limit: free.any });
  if (next.length === 0) return [];
  const holders = await listHolders(transaction, tenantId);
  const picker = createPicker({ free, priorityThreshold, holders });
  const isOpen = next.every(picker.offer);
  // told to those alone that would have had a slot: the others wait for one in any case
  await insertWaits(transaction, picker.waits);
  if (isOpen && next.length === free.any) {
    await offerRest(transaction, tenantId, {
      picker,
      holders,
      priorityThreshold,
      last: next.at(-1),
    });
  }
  return startJobs(transaction, picker.admitted);
}

/** Offers the slots that passed-over jobs have left to the jobs behind whose folders are free. */
async function offerRest(
  transaction: Db,
  tenantId: number,
  rest: {
    readonly picker: Picker;
    readonly holders: readonly { readonly claims: FolderClaims }[];
    readonly priorityThreshold: number;
    readonly last: QueuedJob | undefined;
  },
): Promise<void> {
  const { picker, holders } = rest;
  let { last } = rest;
  for (;;) {
    const { any, ordinary } = picker.free();
    if (any === 0 || last === undefined) return;
    const jobs = await listQueued(transaction, tenantId, {
      limit: any,
      behind: last,
      without: [...holders, ...picker.admitted].map(({ claims }) => claims),
      ...(ordinary === 0 ? { mostPriority: rest.priorityThreshold } : {}),
    });
    if (!jobs.every(picker.offer)) return;
    // what was passed over stays so: the folders held only become more
    last = jobs.at(-1);
  }
}

/** Says in the logs of jobs for whom they wait, once for each. */
async function insertWaits(transaction: Db, waits: readonly FolderWait[]): Promise<void> {
  if (waits.length === 0) return;
  await sql`
    INSERT INTO logs (job_id, severity, progname, message)
    SELECT job_id, ${SEVERITIES.indexOf('INFO')}::smallint, 'controller', wait.message
    FROM unnest(${waits.map((one) => one.jobId)}::bigint[],
                ${waits.map((one) => `Waits for job ${one.holderId}, which ${describeClash(one.clash)}`)}::text[])
      WITH ORDINALITY AS wait (job_id, message, ord)
    WHERE NOT EXISTS (SELECT FROM logs WHERE logs.job_id = wait.job_id AND logs.message = wait.message)
    ORDER BY ord`.execute(transaction);
}
