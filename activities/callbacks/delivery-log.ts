import { maskHeaderValue, maskUrl } from '../../src/domain/mask.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import type { DeliveryOutcome } from '../../src/domain/delivery-outcome.ts';
import type { ClaimedStream, DeliveryLog, PendingDelivery } from '../../src/store/deliveries.ts';
import type { MadeAttempt } from './attempt-delivery.ts';

/** ` with authorization: ****mnop`: headers that a tenant has for its callbacks are secrets, whatever they are called. */
const describeHeaders = (headers: Readonly<Record<string, string>>): string => {
  const shown = Object.entries(headers).map(
    ([name, value]) => `${name}: ${maskHeaderValue(value)}`,
  );
  return shown.length === 0 ? '' : ` with ${shown.join(', ')}`;
};

const describeTls = (made: Pick<MadeAttempt, 'attempt'>): string =>
  made.attempt.isTlsVerified === false ? ' (TLS not verified)' : '';

/**
 * The row of an attempt for the job's log: an invisible one where it was delivered, a warning with the next
 * try, or an error where there is none. The tenant's own headers are shown with their values masked.
 */
export function buildDeliveryLog(
  stream: Pick<ClaimedStream, 'url'>,
  delivery: Pick<PendingDelivery, 'eventName' | 'attempts' | 'refusals'>,
  made: Pick<MadeAttempt, 'attempt' | 'headers'>,
  outcome: Pick<DeliveryOutcome, 'state' | 'retrySeconds' | 'isRefusal'>,
): DeliveryLog {
  const url = maskUrl(stream.url);
  const { error, durationMs, status } = made.attempt;
  const tls = describeTls(made);
  const callback = `Callback ${delivery.eventName} to ${url}${tls}`;
  const failed = (message: string): DeliveryLog => ({
    severity: 'ERROR',
    isVisible: true,
    message,
  });
  switch (outcome.state) {
    case 'delivered':
      return {
        severity: 'DEBUG',
        isVisible: false,
        message: `POST ${delivery.eventName} to ${url}${tls} answered ${status} in ${durationMs} ms${describeHeaders(made.headers)}`,
      };
    case 'pending':
      return {
        severity: 'WARN',
        isVisible: true,
        message: `${callback} ${error} after ${durationMs} ms; next attempt in ${(outcome.retrySeconds ?? 0).toFixed(1)} s`,
      };
    case 'exhausted':
      return failed(`${callback} given up after ${delivery.attempts + 1} attempts: ${error}`);
    case 'parked':
      return failed(
        outcome.isRefusal
          ? `${callback} parked, refused ${delivery.refusals + 1} times: ${error}`
          : `${callback} parked: ${error}`,
      );
    case 'stopped':
      return failed(`Callbacks to ${url}${tls} stopped for this job: ${error}`);
    default:
      return assertNever(outcome.state);
  }
}
