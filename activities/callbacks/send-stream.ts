import {
  type DeliveryOutcome,
  judgeAttempt,
  judgeFault,
  ourRetrySeconds,
} from '../../src/domain/delivery-outcome.ts';
import type { Logger } from '../../src/log/logger.ts';
import { type Db, isDatabaseAway } from '../../src/store/db.ts';
import {
  type ClaimedStream,
  listPendingDeliveries,
  type PendingDelivery,
  recordAttempt,
  releaseStream,
} from '../../src/store/deliveries.ts';
import { recordEndpoint } from '../../src/store/endpoints.ts';
import {
  attemptDelivery,
  type MadeAttempt,
  notSent,
  type Sender,
  TIMEOUT_MS,
} from './attempt-delivery.ts';
import { buildDeliveryLog } from './delivery-log.ts';

/** What the sending of a stream is given. */
export interface SendDeps extends Sender {
  readonly db: Db;
  readonly log: Logger;
  /** Seconds to wait after each failed attempt; used up means given up. */
  readonly retryWaitsSeconds: readonly number[];
}

/** How long a sender holds a stream from its last record on; longer than an attempt can take. */
export const CLAIM_SECONDS = 30;

/** A claim this old may run out during an attempt: no more is sent under it. */
const OLDEST_CLAIM_MS = CLAIM_SECONDS * 1000 - TIMEOUT_MS - 2000;

const BATCH = 20;

/**
 * Sends the pending callbacks of one job to one URL, one after the other in the order of their events,
 * until none is left, one fails, or `mayGoOn` says no; a failed one is tried again after a while, and
 * the rest wait behind it, unless it was given up or parked. Resolves to the last failure, null where
 * there was none. A sender that lost its hold, frozen for longer than its claim, stops: at most what it
 * had in flight is sent twice.
 */
export async function sendStream(
  deps: SendDeps,
  stream: ClaimedStream,
  options: { readonly signal: AbortSignal; readonly mayGoOn: () => boolean },
): Promise<string | null> {
  let held: ClaimedStream | undefined = stream;
  let claimedAt = performance.now();
  let lastFault: string | null = null;
  let retrySeconds: number | undefined;
  try {
    for (;;) {
      const pending = await listPendingDeliveries(deps.db, stream.streamId, BATCH);
      for (const delivery of pending) {
        if (options.signal.aborted || !options.mayGoOn()) return lastFault;
        if (performance.now() - claimedAt > OLDEST_CLAIM_MS) return lastFault;
        const sent = await sendOne(deps, held, delivery, options.signal);
        claimedAt = performance.now();
        lastFault = sent.fault ?? lastFault;
        retrySeconds = sent.retrySeconds;
        held = sent.claim === undefined ? undefined : { ...held, claim: sent.claim };
        const isOver = retrySeconds !== undefined || sent.isStopped;
        if (held === undefined || isOver) return lastFault;
      }
      if (pending.length < BATCH) return lastFault;
    }
  } catch (error) {
    // not at once again: what failed here could not even be counted, or not yet
    if (!options.signal.aborted) retrySeconds = ourRetrySeconds(Math.random());
    throw error;
  } finally {
    if (held !== undefined) await releaseStream(deps.db, held, retrySeconds);
  }
}

interface Sent {
  readonly fault: string | null;
  readonly claim: string | undefined;
  readonly retrySeconds: number | undefined;
  /** The receiver wants nothing more of this job. */
  readonly isStopped: boolean;
}

/** Makes one attempt and records it. An error that nobody foresaw is recorded too, see {@link judgeFault}. */
async function sendOne(
  deps: SendDeps,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  signal: AbortSignal,
): Promise<Sent> {
  try {
    const made = await attemptDelivery(deps, stream, delivery, signal);
    const waits = stream.retryWaitsSeconds ?? deps.retryWaitsSeconds;
    const context = { nowMs: Date.now(), random: Math.random() };
    return await record(deps, stream, delivery, made, judgeAttempt(made, delivery, waits, context));
  } catch (error) {
    if (signal.aborted || isDatabaseAway(error)) throw error;
    deps.log.error({ err: error, deliveryId: delivery.deliveryId }, 'callback could not be sent');
    // its message may hold what was to be sent; the attempt shows its name alone
    const name = error instanceof Error ? error.name : 'error';
    const made = notSent(new Date(), `not sent: unexpected ${name} in the engine, see its log`);
    const outcome = judgeFault(delivery.faults, Math.random());
    return record(deps, stream, delivery, made, outcome, { isFault: true });
  }
}

async function record(
  deps: SendDeps,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  made: MadeAttempt,
  outcome: DeliveryOutcome,
  { isFault } = { isFault: false },
): Promise<Sent> {
  const { state, isRefusal, retrySeconds } = outcome;
  const claim = await recordAttempt(deps.db, {
    stream,
    deliveryId: delivery.deliveryId,
    attempt: made.attempt,
    outcome: { state, isRefusal, isCharged: !made.isOurFault, isFault },
    claimSeconds: CLAIM_SECONDS,
    log: buildDeliveryLog(stream, delivery, made, outcome),
  });
  await recordEndpoint(deps.db, stream.endpointId, {
    isWell: outcome.isEndpointWell,
    pauseSeconds: outcome.endpointPauseSeconds,
  });
  return { fault: made.attempt.error, claim, retrySeconds, isStopped: state === 'stopped' };
}
