import type { Attempted } from '../../src/domain/delivery-outcome.ts';
import type { Egress, PostResult } from '../../src/egress/egress.ts';
import { isOurFault } from '../../src/egress/failure-class.ts';
import { type SecretBox, SecretsKeyError } from '../../src/secrets/secret-box.ts';
import { signatureHeaders } from '../../src/secrets/webhook-signature.ts';
import type {
  ClaimedStream,
  DeliveryAttempt,
  PendingDelivery,
} from '../../src/store/deliveries.ts';
import { withoutSecrets } from './headers.ts';
import { type OpenedSecrets, openSecrets } from './secrets.ts';

/** Longest a receiver may take, connect to the end of its answer, milliseconds. */
export const TIMEOUT_MS = 15_000;

/** What sends callbacks. */
export interface Sender {
  readonly egress: Egress;
  /** Opens what a tenant's callbacks go out with. */
  readonly secrets: SecretBox;
}

/** One attempt, for the ledger and for judgement. */
export interface MadeAttempt extends Attempted {
  readonly attempt: DeliveryAttempt;
  /** The tenant's own headers; their values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Why an attempt does not count as delivered, or null where it does: 2xx only, no redirects. */
function faultOf(result: PostResult): string | null {
  if (result.kind === 'failed') return `${result.failure}: ${result.message}`;
  return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
}

/**
 * Sends one callback once, signed, with the tenant's headers; none goes out without them. Throws only
 * when `signal` aborts: then nobody knows what the receiver saw.
 */
export async function attemptDelivery(
  sender: Sender,
  stream: ClaimedStream,
  delivery: PendingDelivery,
  signal: AbortSignal,
): Promise<MadeAttempt> {
  const at = new Date();
  const startedAt = performance.now();
  let opened: OpenedSecrets;
  try {
    opened = openSecrets(sender.secrets, stream);
  } catch (error) {
    if (!(error instanceof SecretsKeyError)) throw error;
    return notSent(at, `not sent: what the client's callbacks go out with is ${error.message}`);
  }
  const result = await sender.egress.postJson({
    url: stream.url,
    body: delivery.body,
    headers: {
      ...opened.headers,
      ...signatureHeaders(opened.signing, {
        id: delivery.eventName,
        timestampSeconds: Math.floor(at.getTime() / 1000),
        body: Buffer.from(delivery.body),
      }),
    },
    allowedNetworks: stream.allowedNetworks,
    tls: { isVerified: stream.verifiesTls, certificate: opened.certificate },
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  const durationMs = Math.round(performance.now() - startedAt);
  const fault = faultOf(result);
  const isTlsVerified = stream.url.startsWith('http:') ? null : stream.verifiesTls;
  if (result.kind === 'failed') {
    return {
      attempt: { at, durationMs, status: null, error: fault, answer: null, isTlsVerified },
      headers: opened.headers,
      status: null,
      isOurFault: isOurFault(result.failure),
      retryAfter: null,
    };
  }
  const { status, retryAfter } = result;
  const answer = withoutSecrets(result.answer, opened.headers);
  return {
    attempt: { at, durationMs, status, error: fault, answer, isTlsVerified },
    headers: opened.headers,
    status,
    isOurFault: false,
    retryAfter,
  };
}

/** An attempt of which nothing went out, or nobody knows whether anything did, for a reason of ours. */
export const notSent = (at: Date, error: string): MadeAttempt => ({
  attempt: { at, durationMs: 0, status: null, error, answer: null, isTlsVerified: null },
  headers: {},
  status: null,
  isOurFault: true,
  retryAfter: null,
});
