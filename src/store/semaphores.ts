import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import type { SemaphoreAnswer } from '../domain/semaphore.ts';
import { SEVERITIES } from '../domain/severity.ts';
import type { Db } from './db.ts';
import type { ScheduleIntervals } from './schedule-intervals.ts';

/** A URL that somebody has to look at now, for all jobs of one tenant that wait for it. */
export interface ClaimedSemaphore {
  readonly tenantId: number;
  readonly url: string;
  readonly allowedNetworks: readonly string[];
  /** The tenant's `schedule_interval`: how often it is looked at. */
  readonly intervalSeconds: number;
  /** The jobs' next look, which marks them as this claim's until then. */
  readonly stamp: string;
  readonly jobCount: number;
}

// the expressions of index jobs_semaphores, letter for letter
const IS_SILENT = sql`semaphore_answer IS NOT DISTINCT FROM 'none'`;
const DUE_AT = sql`coalesce(greatest(poll_at, run_at), '-infinity')`;
const IS_WAITING = sql`queue_state = ${JOB_STATES.scheduled} AND semaphore_url IS NOT NULL`;

/** Rows of a tenant that are looked through for different URLs, for each that may be claimed. */
const WINDOW = 4;

/**
 * Lets looks that are further away than their tenant's interval, which has become shorter since, be due
 * now. Jobs that somebody else is changing at the moment are left to the next call.
 */
export async function hastenLooks(db: Db, intervals: ScheduleIntervals): Promise<void> {
  await sql`
    UPDATE jobs SET poll_at = now() WHERE id IN (
      SELECT jobs.id FROM jobs
      LEFT JOIN unnest(${[...intervals.tenantSeconds.keys()]}::integer[],
                       ${[...intervals.tenantSeconds.values()]}::float8[])
        AS own (tenant_id, seconds) ON own.tenant_id = jobs.tenant_id
      WHERE ${IS_WAITING}
        AND poll_at > now() + make_interval(secs => coalesce(own.seconds, ${intervals.systemSeconds}))
      FOR UPDATE OF jobs SKIP LOCKED)`.execute(db);
}

/**
 * Takes up to `limit` semaphores that are to be looked at now; their next look is a tenant's interval
 * later. Tenants take turns; of one tenant those that gave no answer last time come last. Of callers at
 * once none gets what another one got: the first job of a URL is the lock on all of them.
 */
export async function claimSemaphores(
  db: Db,
  limit: number,
  intervals: ScheduleIntervals,
): Promise<readonly ClaimedSemaphore[]> {
  const tenantIds = [...intervals.tenantSeconds.keys()];
  const seconds = [...intervals.tenantSeconds.values()];
  const { rows } = await sql<{
    tenant_id: number;
    semaphore_url: string;
    allowed_networks: string[];
    seconds: number;
    stamp: string;
    jobs: number;
  }>`
    WITH due AS (
      SELECT found.*, row_number() OVER (PARTITION BY tenant_id ORDER BY is_silent, due_at, found.id) AS place
      FROM tenants CROSS JOIN LATERAL (
        SELECT id, tenant_id, md5(semaphore_url) AS hash, ${IS_SILENT} AS is_silent, ${DUE_AT} AS due_at
        FROM jobs WHERE tenant_id = tenants.id AND ${IS_WAITING} AND ${DUE_AT} <= now()
        ORDER BY ${IS_SILENT}, ${DUE_AT}, id LIMIT ${limit * WINDOW}
      ) AS found
      WHERE disabled_at IS NULL
    ), first AS (
      SELECT DISTINCT ON (tenant_id, hash) id, tenant_id, hash, place FROM due
      ORDER BY tenant_id, hash, place
    ), turn AS (
      SELECT id, hash, row_number() OVER (PARTITION BY tenant_id ORDER BY place) AS turn FROM first
    ), picked AS (
      SELECT jobs.id, tenant_id, hash FROM turn JOIN jobs USING (id)
      WHERE ${IS_WAITING} AND ${DUE_AT} <= now()
      ORDER BY turn, id LIMIT ${limit}
      FOR UPDATE OF jobs SKIP LOCKED
    ), held AS (
      SELECT jobs.id FROM jobs JOIN picked
        ON jobs.tenant_id = picked.tenant_id AND md5(semaphore_url) = hash
      WHERE ${IS_WAITING} AND ${DUE_AT} <= now()
      FOR UPDATE OF jobs SKIP LOCKED
    ), claimed AS (
      UPDATE jobs SET
        semaphore_answer = CASE WHEN poll_at IS NULL THEN NULL ELSE semaphore_answer END,
        poll_at = now() + make_interval(secs => coalesce(
          (SELECT own.seconds FROM unnest(${tenantIds}::integer[], ${seconds}::float8[])
             AS own (tenant_id, seconds) WHERE own.tenant_id = jobs.tenant_id),
          ${intervals.systemSeconds}))
      WHERE id IN (SELECT id FROM held)
      RETURNING tenant_id, semaphore_url, poll_at
    )
    SELECT tenant_id, semaphore_url, allowed_networks, poll_at::text AS stamp, count(*) AS jobs,
           extract(epoch FROM poll_at - now())::float8 AS seconds
    FROM claimed JOIN tenants ON tenants.id = tenant_id
    GROUP BY tenant_id, semaphore_url, allowed_networks, poll_at`.execute(db);
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    url: row.semaphore_url,
    allowedNetworks: row.allowed_networks,
    intervalSeconds: row.seconds,
    stamp: row.stamp,
    jobCount: row.jobs,
  }));
}

// A job that was changed since the claim, in whatever way, has another next look and is not the claim's.
const isOf = (claim: ClaimedSemaphore) => sql`
  tenant_id = ${claim.tenantId} AND md5(semaphore_url) = md5(${claim.url})
  AND semaphore_url = ${claim.url} AND poll_at = ${claim.stamp}::timestamptz AND ${IS_WAITING}`;

/** Queues the jobs of a claim whose semaphore is open and returns how many there were. */
export async function openSemaphore(db: Db, claim: ClaimedSemaphore): Promise<number> {
  const { rows } = await sql<{ jobs: number }>`
    WITH queued AS (
      UPDATE jobs SET queue_state = ${JOB_STATES.queued}, poll_at = NULL, semaphore_answer = NULL,
                      updated_at = clock_timestamp()
      WHERE ${isOf(claim)} AND coalesce(run_at, '-infinity') <= now()
      RETURNING id
    ), told AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${SEVERITIES.indexOf('INFO')}::smallint, 'scheduler', 'Semaphore open: queued'
      FROM queued ORDER BY id
    )
    SELECT count(*) AS jobs FROM queued`.execute(db);
  return rows[0]?.jobs ?? 0;
}

/**
 * Keeps what a semaphore answered that is not open. Jobs to which it says the same as before get no
 * further row in their logs. Returns how many got one.
 */
export async function refuseSemaphore(
  db: Db,
  claim: ClaimedSemaphore,
  answer: SemaphoreAnswer,
  message: string,
): Promise<number> {
  const { rows } = await sql<{ jobs: number }>`
    WITH told AS (
      UPDATE jobs SET semaphore_answer = ${String(answer)}
      WHERE ${isOf(claim)} AND semaphore_answer IS DISTINCT FROM ${String(answer)}
      RETURNING id
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message)
      SELECT id, ${SEVERITIES.indexOf('WARN')}::smallint, 'scheduler', ${message}
      FROM told ORDER BY id
    )
    SELECT count(*) AS jobs FROM told`.execute(db);
  return rows[0]?.jobs ?? 0;
}

/** Gives a claim back: nobody looked. Its jobs are looked at at the next tick. */
export async function releaseSemaphore(db: Db, claim: ClaimedSemaphore): Promise<void> {
  // not null: that stands for a job that was never looked at, and its first answer is told
  await sql`UPDATE jobs SET poll_at = now() WHERE ${isOf(claim)}`.execute(db);
}
