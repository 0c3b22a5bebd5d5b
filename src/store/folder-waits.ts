import { sql } from 'kysely';
import { type ClaimClash, findClash, type FolderClaims } from '../domain/folder-claims.ts';
import { FolderQueue, type FolderWait } from '../domain/folder-queue.ts';
import { JOB_STATES, type JobState, jobStateName } from '../domain/job-state.ts';
import type { QueuedJob } from '../domain/pick-jobs.ts';
import type { Db } from './db.ts';
import {
  CLAIM_COLUMNS,
  type ClaimRow,
  claimsFromRow,
  clashesWith,
  HOLDS_FOLDERS,
  listHolders,
} from './folder-claims.ts';
import { listAhead, listUnstarted } from './queued-jobs.ts';

/** A job that uses folders which another one wants, and how the two clash. */
export interface ClashingJob {
  readonly jobId: number;
  readonly state: JobState;
  readonly clash: ClaimClash;
}

/**
 * For whom jobs of a tenant wait at this moment, by their ids: those that are queued and whose folders a
 * job holds, or one ahead of them in the queue wants. One that waits for a slot alone is not in it.
 */
export async function findWaits(
  db: Db,
  tenantId: number,
  jobs: readonly { readonly id: number; readonly state: JobState }[],
): Promise<ReadonlyMap<number, FolderWait>> {
  const waits = new Map<number, FolderWait>();
  const ids = jobs.filter((job) => job.state === 'queued').map((job) => job.id);
  if (ids.length === 0) return waits;
  // before the jobs: one that is started in between does not wait for itself
  const folders = new FolderQueue(await listHolders(db, tenantId));
  const judge = ({ id, claims }: QueuedJob): void => {
    const wait = folders.findWait(claims);
    if (wait !== undefined) waits.set(id, wait);
  };
  const asked = await listUnstarted(db, tenantId, ids);
  asked.forEach(judge);
  const unheld = asked.filter((job) => !waits.has(job.id));
  const unheldIds = new Set(unheld.map((job) => job.id));
  for (const job of await listAhead(db, tenantId, unheld)) {
    if (unheldIds.has(job.id)) judge(job);
    folders.queue(job);
  }
  return waits;
}

/**
 * The first job of a tenant whose claims clash with these: one that waits in the queue, runs or is paused.
 * Scheduled jobs do not count, nor what has ended.
 */
export async function findClashingJob(
  db: Db,
  tenantId: number,
  claims: FolderClaims,
): Promise<ClashingJob | undefined> {
  const columns = sql`id, queue_state, ${CLAIM_COLUMNS}`;
  // three indexes, one for each
  const { rows } = await sql<ClaimRow & { id: number; queue_state: number }>`
    WITH open AS (
      SELECT ${columns} FROM jobs WHERE tenant_id = ${tenantId} AND ${HOLDS_FOLDERS}
      UNION ALL
      SELECT ${columns} FROM jobs
      WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.queued} AND started_at IS NULL
      UNION ALL
      SELECT ${columns} FROM jobs
      WHERE tenant_id = ${tenantId} AND queue_state = ${JOB_STATES.paused} AND started_at IS NULL
    )
    SELECT * FROM open WHERE ${clashesWith('open', claims)} ORDER BY id LIMIT 1`.execute(db);
  const row = rows[0];
  const clash = row && findClash(claimsFromRow(row), claims);
  return row && clash && { jobId: row.id, state: jobStateName(row.queue_state), clash };
}

/** First key of this module's advisory locks; the second is the tenant's id. */
const LOCK_CLASS = 0x666f6c64;

/**
 * Lets one transaction at a time judge {@link findClashingJob} and insert, of those of a tenant that take
 * this lock. Other submissions do not wait for it.
 */
export async function lockFolders(transaction: Db, tenantId: number): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${LOCK_CLASS}, ${tenantId})`.execute(transaction);
}
