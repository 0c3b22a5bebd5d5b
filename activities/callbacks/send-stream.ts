import { nextWaitSeconds, parseRetryAfter } from '../../src/domain/retry-schedule.ts';
import type { PostResult } from '../../src/egress/egress.ts';
import {
  type ClaimedStream,
  type DeliveryAttempt,
  listPendingDeliveries,
  type PendingDelivery,
  recordAttempt,
  releaseStream,
} from '../../src/store/deliveries.ts';
import { insertLog } from '../../src/store/logs.ts';
import type { DrainDeps } from './drain-endpoint.ts';

/** Longest a receiver may take, connect to the end of its answer, milliseconds. */
const TIMEOUT_MS = 15_000;

/** How long a sender holds a stream; longer than an attempt can take. */
export const CLAIM_SECONDS = 30;

const BATCH = 20;

/** Why an attempt does not count as delivered, or null where it does: 2xx only, no redirects. */
function faultOf(result: PostResult): string | null {
  if (result.kind === 'failed') return `${result.failure}: ${result.message}`;
  return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
}

/** What sending a stream came to: the failure that ended it, or null. */
export type StreamEnd = string | null;

/**
 * Sends the pending callbacks of one job to one URL, one after the other in the order of their events,
 * until none is left or one fails; that one is tried again after a while, and the rest wait behind it.
 */
export async function sendStream(
  deps: DrainDeps,
  stream: ClaimedStream,
  signal: AbortSignal,
): Promise<StreamEnd> {
  let retrySeconds: number | undefined;
  try {
    for (;;) {
      const pending = await listPendingDeliveries(deps.db, stream.streamId, BATCH);
      for (const delivery of pending) {
        if (signal.aborted) return null;
        const outcome = await sendOne(deps, stream, delivery, signal);
        if (outcome.retrySeconds === undefined) continue;
        retrySeconds = outcome.retrySeconds;
        return outcome.fault;
      }
      if (pending.length < BATCH) return null;
    }
  } finally {
    await releaseStream(deps.db, stream.streamId, retrySeconds);
  }
}

async function sendOne(
  deps: DrainDeps,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  signal: AbortSignal,
): Promise<{ readonly fault: string | null; readonly retrySeconds?: number }> {
  const at = new Date();
  const startedAt = performance.now();
  const result = await deps.egress.postJson({
    url: stream.url,
    body: delivery.body,
    allowedNetworks: stream.allowedNetworks,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  const fault = faultOf(result);
  const isAnswered = result.kind === 'answered';
  const attempt: DeliveryAttempt = {
    at,
    durationMs: Math.round(performance.now() - startedAt),
    status: isAnswered ? result.status : null,
    error: fault,
    answer: isAnswered ? result.answer : null,
  };
  const record = (state: 'pending' | 'delivered' | 'exhausted'): Promise<void> =>
    recordAttempt(deps.db, stream.streamId, delivery.deliveryId, attempt, state, CLAIM_SECONDS);
  if (fault === null) {
    await record('delivered');
    return { fault };
  }
  const attempts = delivery.attempts + 1;
  const retryAfter = isAnswered ? parseRetryAfter(result.retryAfter, Date.now()) : undefined;
  const retrySeconds = nextWaitSeconds(deps.retryWaitsSeconds, attempts, Math.random(), retryAfter);
  await record(retrySeconds === undefined ? 'exhausted' : 'pending');
  await insertLog(deps.db, {
    jobId: stream.jobId,
    severity: retrySeconds === undefined ? 'ERROR' : 'WARN',
    progname: 'callback',
    message:
      retrySeconds === undefined
        ? `Callback to ${withoutQuery(stream.url)} given up after ${attempts} attempts: ${fault}`
        : `Callback to ${withoutQuery(stream.url)} ${fault}; attempt ${attempts + 1} in ${retrySeconds.toFixed(1)} s`,
  });
  return { fault, ...(retrySeconds === undefined ? {} : { retrySeconds }) };
}

/** A URL for the log: its query may hold a secret. */
const withoutQuery = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};
