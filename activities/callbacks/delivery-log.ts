import { maskHeaderValue, maskUrl } from '../../src/domain/mask.ts';
import type { ClaimedStream, DeliveryAttempt, DeliveryLog } from '../../src/store/deliveries.ts';

/** ` with authorization: ****mnop`: headers that a tenant has for its callbacks are secrets, whatever they are called. */
const describeHeaders = (headers: Readonly<Record<string, string>>): string => {
  const shown = Object.entries(headers).map(
    ([name, value]) => `${name}: ${maskHeaderValue(value)}`,
  );
  return shown.length === 0 ? '' : ` with ${shown.join(', ')}`;
};

/**
 * The row of an attempt for the job's log: an invisible one where it was delivered, a warning with the next
 * try, or an error where there is none. `headers` are the tenant's own; their values are masked.
 */
export function buildDeliveryLog(
  stream: Pick<ClaimedStream, 'url'>,
  headers: Readonly<Record<string, string>>,
  attempt: DeliveryAttempt,
  attempts: number,
  retrySeconds: number | undefined,
): DeliveryLog {
  const url = maskUrl(stream.url);
  if (attempt.error === null) {
    const answer = `answered ${attempt.status} in ${attempt.durationMs} ms`;
    return {
      severity: 'DEBUG',
      isVisible: false,
      message: `POST ${url} ${answer}${describeHeaders(headers)}`,
    };
  }
  if (retrySeconds === undefined) {
    const message = `Callback to ${url} given up after ${attempts} attempts: ${attempt.error}`;
    return { severity: 'ERROR', isVisible: true, message };
  }
  const next = `attempt ${attempts + 1} in ${retrySeconds.toFixed(1)} s`;
  return {
    severity: 'WARN',
    isVisible: true,
    message: `Callback to ${url} ${attempt.error} after ${attempt.durationMs} ms; ${next}`,
  };
}
