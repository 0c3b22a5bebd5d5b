import { type SecretBox, SecretsKeyError } from '../../src/secrets/secret-box.ts';
import type { Egress, PostResult } from '../../src/egress/egress.ts';
import type {
  ClaimedStream,
  DeliveryAttempt,
  PendingDelivery,
} from '../../src/store/deliveries.ts';
import { openHeaders, withoutSecrets } from './headers.ts';

/** Longest a receiver may take, connect to the end of its answer, milliseconds. */
export const TIMEOUT_MS = 15_000;

/** Why an attempt does not count as delivered, or null where it does: 2xx only, no redirects. */
function faultOf(result: PostResult): string | null {
  if (result.kind === 'failed') return `${result.failure}: ${result.message}`;
  return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
}

/** What sends callbacks. */
export interface Sender {
  readonly egress: Egress;
  /** Opens the tenants' headers. */
  readonly secrets: SecretBox;
}

/**
 * Sends one callback once, with the tenant's headers; none goes out without them. Throws only when
 * `signal` aborts: then nobody knows what the receiver saw.
 */
export async function attemptDelivery(
  { egress, secrets }: Sender,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  signal: AbortSignal,
): Promise<{
  readonly attempt: DeliveryAttempt;
  /** The tenant's own headers; their values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly retryAfter: string | null;
}> {
  const at = new Date();
  const startedAt = performance.now();
  let headers: Readonly<Record<string, string>>;
  try {
    headers = openHeaders(secrets, stream);
  } catch (error) {
    if (!(error instanceof SecretsKeyError)) throw error;
    const fault = `not sent: the client's callback headers are ${error.message}`;
    return {
      attempt: { at, durationMs: 0, status: null, error: fault, answer: null },
      headers: {},
      retryAfter: null,
    };
  }
  const result = await egress.postJson({
    url: stream.url,
    body: delivery.body,
    headers,
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
      answer: isAnswered ? withoutSecrets(result.answer, headers) : null,
    },
    headers,
    retryAfter: isAnswered ? result.retryAfter : null,
  };
}
