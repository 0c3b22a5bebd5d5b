import type { Egress, PostResult } from '../../src/egress/egress.ts';
import type {
  ClaimedStream,
  DeliveryAttempt,
  PendingDelivery,
} from '../../src/store/deliveries.ts';

/** Longest a receiver may take, connect to the end of its answer, milliseconds. */
export const TIMEOUT_MS = 15_000;

/** Why an attempt does not count as delivered, or null where it does: 2xx only, no redirects. */
function faultOf(result: PostResult): string | null {
  if (result.kind === 'failed') return `${result.failure}: ${result.message}`;
  return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
}

/** Sends one callback once. Throws only when `signal` aborts: then nobody knows what the receiver saw. */
export async function attemptDelivery(
  egress: Egress,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  signal: AbortSignal,
): Promise<{ readonly attempt: DeliveryAttempt; readonly retryAfter: string | null }> {
  const at = new Date();
  const startedAt = performance.now();
  const result = await egress.postJson({
    url: stream.url,
    body: delivery.body,
    allowedNetworks: stream.allowedNetworks,
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  const isAnswered = result.kind === 'answered';
  return {
    attempt: {
      at,
      durationMs: Math.round(performance.now() - startedAt),
      status: isAnswered ? result.status : null,
      error: faultOf(result),
      answer: isAnswered ? result.answer : null,
    },
    retryAfter: isAnswered ? result.retryAfter : null,
  };
}
