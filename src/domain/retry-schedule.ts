/**
 * Seconds to wait after the 1st, 2nd, … failed attempt. The steps of Standard Webhooks 1.0 (5 s, 5 min,
 * 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h) with quick ones put in before the long waits: most failures
 * pass within seconds, and a job's later callbacks wait behind its first.
 */
export const RETRY_WAITS_SECONDS: readonly number[] = [
  1, 2, 5, 15, 30, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
];

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
