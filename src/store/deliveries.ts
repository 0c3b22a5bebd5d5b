import { sql } from 'kysely';
import { callbackId } from '../domain/callback.ts';
import type { DeliveryState } from '../domain/delivery-outcome.ts';
import { parseRetryWaits } from '../domain/retry-schedule.ts';
import { SEVERITIES, type Severity } from '../domain/severity.ts';
import { type Db, executePrepared, inTransaction } from './db.ts';
import { logText } from './logs.ts';

/** A stream held by a sender: one job's callbacks to one URL. */
export interface ClaimedStream {
  readonly streamId: number;
  readonly endpointId: number;
  readonly jobId: number;
  readonly url: string;
  readonly tenantId: number;
  readonly allowedNetworks: readonly string[];
  /** Headers that go with the tenant's callbacks, their values sealed. */
  readonly sealedHeaders: Readonly<Record<string, string>>;
  /** What its callbacks are signed with, sealed, the newest first. */
  readonly sealedSigningSecrets: readonly string[];
  /** False: the receiver's certificate is not verified. */
  readonly verifiesTls: boolean;
  /** Certificate and key for receivers that ask for one, sealed. */
  readonly sealedCertificate: string | null;
  /** Seconds after each failed attempt; null takes the engine's. */
  readonly retryWaitsSeconds: readonly number[] | null;
  /** What proves the hold: it changes at each renewal and is worth nothing once another sender has one. */
  readonly claim: string;
}

/** A delivery that is still to be made. */
export interface PendingDelivery {
  readonly deliveryId: number;
  /** The event's name, `webhook-id`. */
  readonly eventName: string;
  readonly body: string;
  /** Attempts made so far. */
  readonly attempts: number;
  /** How many of them were refusals, 4xx. */
  readonly refusals: number;
  /** Unexpected errors of the engine at it so far. */
  readonly faults: number;
}

/** What one attempt gave. */
export interface DeliveryAttempt {
  readonly at: Date;
  readonly durationMs: number;
  /** HTTP status, null where there was no answer. */
  readonly status: number | null;
  /** Why there was none, or why it does not count as success. */
  readonly error: string | null;
  /** First 2 KB of the answer. */
  readonly answer: string | null;
  /** Whether the receiver's certificate was verified; null over http, where there is none. */
  readonly isTlsVerified: boolean | null;
}

/**
 * Takes up to `limit` due streams of an endpoint for `seconds`; none while the endpoint is to be left
 * alone, and one, as a probe, while its breaker is open and `isQuiet` says that nothing is under way.
 */
export async function claimStreams(
  db: Db,
  endpointId: number,
  limit: number,
  seconds: number,
  isQuiet: boolean,
): Promise<readonly ClaimedStream[]> {
  const { rows } = await sql<{
    id: number;
    job_id: number;
    url: string;
    tenant_id: number;
    allowed_networks: string[];
    headers: Record<string, string>;
    signing_secrets: string[];
    verifies_tls: boolean | null;
    sealed_certificate: string | null;
    schedule: string | null;
    claim: string;
  }>`
    WITH due AS (
      SELECT id FROM streams
      WHERE endpoint_id = ${endpointId} AND due_at <= now() AND claimed_until < now()
      ORDER BY due_at LIMIT (
        SELECT CASE WHEN closed_until > now() THEN 0 WHEN probe_seconds = 0 THEN ${limit}::integer
                    ELSE ${isQuiet ? 1 : 0}::integer END
        FROM endpoints WHERE id = ${endpointId})
      FOR UPDATE SKIP LOCKED
    )
    UPDATE streams s SET claimed_until = now() + make_interval(secs => ${seconds})
    FROM due, endpoints e JOIN tenants t ON t.id = e.tenant_id
      LEFT JOIN callback_settings c ON c.tenant_id = t.id
    WHERE s.id = due.id AND e.id = s.endpoint_id
    RETURNING s.id, s.job_id, s.url, t.id AS tenant_id, t.allowed_networks,
      coalesce((SELECT jsonb_object_agg(name, sealed) FROM callback_headers WHERE tenant_id = t.id), '{}')
        AS headers,
      ARRAY(SELECT sealed FROM signing_secrets
            WHERE tenant_id = t.id AND coalesce(expires_at, 'infinity') > now() ORDER BY id DESC) AS signing_secrets,
      c.verifies_tls, c.sealed_certificate,
      coalesce((SELECT setting FROM settings WHERE tenant_id = t.id AND name = 'callback_schedule'),
               (SELECT setting FROM system_settings WHERE name = 'callback_schedule')) AS schedule,
      s.claimed_until::text AS claim`.execute(db);
  return rows.map((row) => ({
    streamId: row.id,
    jobId: row.job_id,
    url: row.url,
    tenantId: row.tenant_id,
    allowedNetworks: row.allowed_networks,
    endpointId,
    sealedHeaders: row.headers,
    sealedSigningSecrets: row.signing_secrets,
    verifiesTls: row.verifies_tls ?? true,
    sealedCertificate: row.sealed_certificate,
    // one that was kept before the name had a rule may be no schedule
    retryWaitsSeconds: parseRetryWaits(row.schedule ?? '') ?? null,
    claim: row.claim,
  }));
}

/** The pending deliveries of a stream, oldest first. */
export async function listPendingDeliveries(
  db: Db,
  streamId: number,
  limit: number,
): Promise<readonly PendingDelivery[]> {
  const { rows } = await sql<{
    id: number;
    job_id: number;
    task_number: number;
    is_end: boolean;
    body: string;
    attempts: number;
    refusals: number;
    faults: number;
  }>`
    SELECT d.id, job_id, task_number, is_end, body, attempts, refusals, faults
    FROM deliveries d JOIN events ON events.id = event_id
    WHERE stream_id = ${streamId} AND state = 'pending' ORDER BY event_id LIMIT ${limit}`.execute(
    db,
  );
  return rows.map((row) => ({
    deliveryId: row.id,
    eventName: callbackId({
      jobId: row.job_id,
      taskNumber: row.task_number,
      isEnd: row.is_end,
    }),
    body: row.body,
    attempts: row.attempts,
    refusals: row.refusals,
    faults: row.faults,
  }));
}

/** What an attempt makes of its delivery. */
export interface RecordedOutcome {
  readonly state: DeliveryState;
  readonly isRefusal: boolean;
  /** False: the attempt does not count against the schedule. */
  readonly isCharged: boolean;
  /** The engine itself failed, unexpectedly. */
  readonly isFault: boolean;
}

/** The row that an attempt leaves in the job's log. */
export interface DeliveryLog {
  readonly severity: Severity;
  readonly message: string;
  /** False: shown only with `show_all=1`. */
  readonly isVisible: boolean;
}

/**
 * Records an attempt, what it makes of the delivery, a row of the job's log, and holds the stream for
 * `claimSeconds` more. One that was `stopped` stops everything else that its stream has, now and later.
 * Returns the renewed claim, or undefined where another sender has taken the stream meanwhile: then a
 * success still counts, a failure decides and logs nothing, and the caller must send no more of it.
 */
export async function recordAttempt(
  db: Db,
  record: {
    readonly stream: Pick<ClaimedStream, 'streamId' | 'jobId' | 'claim'>;
    readonly deliveryId: number;
    readonly attempt: DeliveryAttempt;
    readonly outcome: RecordedOutcome;
    readonly claimSeconds: number;
    readonly log: DeliveryLog;
  },
): Promise<string | undefined> {
  const { stream, deliveryId, attempt, outcome, log } = record;
  const { state } = outcome;
  const { rows } = await executePrepared(
    db,
    'record_attempt',
    sql<{ claim: string }>`
    WITH stream AS (
      UPDATE streams SET claimed_until = now() + make_interval(secs => ${record.claimSeconds}),
        is_stopped = is_stopped OR ${state} = 'stopped'
      WHERE id = ${stream.streamId} AND claimed_until = ${stream.claim}::timestamptz
      RETURNING claimed_until::text AS claim
    ), attempt AS (
      INSERT INTO delivery_attempts (delivery_id, at, duration_ms, status, error, answer, tls_verified)
      VALUES (${deliveryId}, ${attempt.at}, ${attempt.durationMs}, ${attempt.status}, ${attempt.error},
              ${attempt.answer}, ${attempt.isTlsVerified})
    ), delivery AS (
      UPDATE deliveries SET state = CASE WHEN id = ${deliveryId} THEN ${state} ELSE 'stopped' END,
        attempts = attempts + CASE WHEN id = ${deliveryId} THEN ${outcome.isCharged ? 1 : 0} ELSE 0 END,
        refusals = refusals + CASE WHEN id = ${deliveryId} THEN ${outcome.isRefusal ? 1 : 0} ELSE 0 END,
        faults = faults + CASE WHEN id = ${deliveryId} THEN ${outcome.isFault ? 1 : 0} ELSE 0 END,
        delivered_at = ${state === 'delivered' ? attempt.at : null}::timestamptz
      WHERE stream_id = ${stream.streamId} AND state = 'pending'
        AND (id = ${deliveryId} OR ${state} = 'stopped')
        AND (${state} = 'delivered' OR EXISTS (SELECT FROM stream))
    ), log AS (
      INSERT INTO logs (job_id, severity, progname, message, visible)
      SELECT ${stream.jobId}::bigint, ${SEVERITIES.indexOf(log.severity)}::smallint, 'callback',
             ${logText(log.message)}, ${log.isVisible}::boolean
      WHERE ${state} = 'delivered' OR EXISTS (SELECT FROM stream)
    )
    SELECT claim FROM stream`,
  );
  return rows[0]?.claim;
}

/**
 * Gives a stream back. With `retrySeconds` its oldest delivery is tried again then; without, it is
 * due at once if anything is pending, else idle. A stream that another sender holds is left alone.
 */
export async function releaseStream(
  db: Db,
  stream: { readonly streamId: number; readonly claim: string },
  retrySeconds: number | undefined,
): Promise<void> {
  const { streamId, claim } = stream;
  if (retrySeconds !== undefined) {
    await sql`
      UPDATE streams SET claimed_until = '-infinity', due_at = now() + make_interval(secs => ${retrySeconds})
      WHERE id = ${streamId} AND claimed_until = ${claim}::timestamptz`.execute(db);
    return;
  }
  // two statements: what an event's transaction added is seen only by one that begins after its commit
  await inTransaction(db, async (transaction) => {
    await sql`SELECT FROM streams WHERE id = ${streamId} FOR UPDATE`.execute(transaction);
    await sql`
      UPDATE streams SET claimed_until = '-infinity', due_at = CASE
        WHEN EXISTS (SELECT FROM deliveries WHERE stream_id = ${streamId} AND state = 'pending')
        THEN now() END
      WHERE id = ${streamId} AND claimed_until = ${claim}::timestamptz`.execute(transaction);
  });
}
