import { sql } from 'kysely';
import { type Breaker, nextBreaker } from '../domain/breaker.ts';
import { type Db, inTransaction } from './db.ts';

/** An endpoint with deliveries that are due and nobody sending them. */
export interface IdleEndpoint {
  readonly endpointId: number;
  readonly tenant: string;
  readonly origin: string;
}

/** How long an endpoint is left to the workflow that was told of it to begin, seconds. */
const HANDOVER_SECONDS = 5;

/**
 * Endpoints that need a delivery workflow now, of all or of those named. They are taken as drained for a
 * few seconds, the time a workflow needs to begin, so that each is told of once and not at every new
 * delivery.
 */
export async function claimIdleEndpoints(
  db: Db,
  limit: number,
  among?: readonly number[],
): Promise<readonly IdleEndpoint[]> {
  const isNamed = among === undefined ? sql`true` : sql`e.id = ANY (${among}::bigint[])`;
  const { rows } = await sql<{ id: number; tenant: string; origin: string }>`
    WITH idle AS (
      -- the subquery's limit makes one look into the index of each endpoint: a semi-join reads all due streams
      SELECT e.id FROM endpoints e CROSS JOIN LATERAL (
        SELECT FROM streams WHERE endpoint_id = e.id AND due_at <= now() AND claimed_until < now() LIMIT 1) AS due
      WHERE ${isNamed} AND drained_until < now() AND closed_until <= now()
      LIMIT ${limit} FOR UPDATE OF e SKIP LOCKED
    )
    UPDATE endpoints e SET drained_until = now() + make_interval(secs => ${HANDOVER_SECONDS})
    FROM idle, tenants
    WHERE e.id = idle.id AND tenants.id = tenant_id
    RETURNING e.id, tenants.name AS tenant, origin`.execute(db);
  return rows.map((row) => ({ endpointId: row.id, tenant: row.tenant, origin: row.origin }));
}

/** Says that a drain is at work on an endpoint for the next `seconds`; 0 ends it. */
export async function markDrained(db: Db, endpointId: number, seconds: number): Promise<void> {
  await sql`
    UPDATE endpoints SET drained_until = now() + make_interval(secs => ${seconds})
    WHERE id = ${endpointId}`.execute(db);
}

/** Where an endpoint stands. */
export interface EndpointBacklog extends Breaker {
  /** Streams, each one job's callbacks to one URL, with something pending. */
  readonly streams: number;
  /** Seconds until the next attempt or probe, null where nothing is pending. */
  readonly nextDueSeconds: number | null;
}

/** What is left to send to an endpoint, and when. */
export async function getBacklog(db: Db, endpointId: number): Promise<EndpointBacklog> {
  const { rows } = await sql<{
    streams: number;
    seconds: number | null;
    failures: number;
    probe_seconds: number;
  }>`
    SELECT failures, probe_seconds, pending.streams,
           extract(epoch FROM greatest(pending.due_at, closed_until) - now())::float8 AS seconds
    FROM endpoints, LATERAL (
      SELECT count(*) AS streams, min(greatest(due_at, claimed_until)) AS due_at
      FROM streams WHERE endpoint_id = endpoints.id AND due_at IS NOT NULL
    ) AS pending
    WHERE id = ${endpointId}`.execute(db);
  const row = rows[0];
  const isIdle = row === undefined || row.streams === 0 || row.seconds === null;
  return {
    streams: row?.streams ?? 0,
    failures: row?.failures ?? 0,
    probeSeconds: row?.probe_seconds ?? 0,
    nextDueSeconds: isIdle ? null : Math.max(0, row.seconds ?? 0),
  };
}

/**
 * Notes what an attempt showed of its endpoint, and returns its breaker. A failure that was under way
 * when the breaker opened does not put the probe off once more.
 */
export async function recordEndpoint(
  db: Db,
  endpointId: number,
  seen: { readonly isWell: boolean | undefined; readonly pauseSeconds: number },
): Promise<void> {
  if (seen.isWell === true) {
    // one that was well is not written to: every success would lock its row
    await sql`
      UPDATE endpoints SET failures = 0, probe_seconds = 0, closed_until = '-infinity'
      WHERE id = ${endpointId} AND failures > 0`.execute(db);
    return;
  }
  if (seen.isWell === undefined) return;
  await inTransaction(db, async (transaction) => {
    const { rows } = await sql<{ failures: number; probe_seconds: number; is_closed: boolean }>`
      SELECT failures, probe_seconds, closed_until > now() AS is_closed
      FROM endpoints WHERE id = ${endpointId} FOR NO KEY UPDATE`.execute(transaction);
    const row = rows[0];
    if (row === undefined) return;
    const before: Breaker = { failures: row.failures, probeSeconds: row.probe_seconds };
    const after =
      row.is_closed && before.probeSeconds > 0 ? before : nextBreaker(before, seen.isWell);
    const waitSeconds = Math.max(seen.pauseSeconds, row.is_closed ? 0 : after.probeSeconds);
    await sql`
      UPDATE endpoints SET failures = ${after.failures}, probe_seconds = ${after.probeSeconds},
        closed_until = greatest(closed_until, CASE WHEN ${waitSeconds}::float8 > 0
          THEN now() + make_interval(secs => ${waitSeconds}) ELSE '-infinity' END)
      WHERE id = ${endpointId}`.execute(transaction);
  });
}
