/**
 * Seconds to wait after the 1st, 2nd, … failed attempt: the ten attempts of Standard Webhooks 1.0, the last
 * a little over three days after the first.
 */
export const RETRY_WAITS_SECONDS: readonly number[] = [
  5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

const MOST_WAITS = 30;
const LONGEST_WAIT_SECONDS = 7 * 86_400;

/**
 * A schedule as people write it, seconds separated by commas: `5,300,1800`. Undefined where it is none: 1
 * to 30 waits of 1 second to 7 days.
 */
export function parseRetryWaits(text: string): readonly number[] | undefined {
  const waits = text.split(',').map((part) => (/^\s*\d{1,6}\s*$/.test(part) ? Number(part) : 0));
  const isPlausible = waits.every((wait) => wait >= 1 && wait <= LONGEST_WAIT_SECONDS);
  return isPlausible && waits.length <= MOST_WAITS ? waits : undefined;
}

const LEAST_RETRY_AFTER_SECONDS = 1;
const MOST_RETRY_AFTER_SECONDS = 86_400;

/**
 * `Retry-After` (RFC 9110 §10.2.3), seconds or a date, as seconds from now within 1 s and 24 h.
 * Undefined where it says neither.
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  const seconds = /^\d{1,12}$/.test(text)
    ? Number(text)
    : /^[A-Z][a-z]{2}, /.test(text)
      ? (Date.parse(text) - nowMs) / 1000
      : Number.NaN;
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(MOST_RETRY_AFTER_SECONDS, Math.max(LEAST_RETRY_AFTER_SECONDS, seconds));
}

/**
 * Seconds until the next attempt, spread by ±20 % so that a thousand deliveries do not return at once;
 * undefined when the schedule is used up. `attempts` counts those made; `random` is within 0 and 1.
 */
export function nextWaitSeconds(
  waits: readonly number[],
  attempts: number,
  random: number,
  retryAfterSeconds: number | undefined,
): number | undefined {
  const wait = waits[attempts - 1];
  if (wait === undefined) return undefined;
  return Math.max(wait * (0.8 + 0.4 * random), retryAfterSeconds ?? 0);
}
