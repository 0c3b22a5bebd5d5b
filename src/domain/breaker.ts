/** Failures in a row that open an endpoint's breaker. */
export const BREAKER_FAILURES = 10;

const FIRST_PROBE_SECONDS = 30;
const LONGEST_PROBE_SECONDS = 600;

/**
 * How an endpoint is. While its breaker is open nothing is sent but one probe at a time, 30 s after the
 * last failure, then 60 s, up to 10 minutes; an answer closes it. What waits keeps its attempts.
 */
export interface Breaker {
  /** Failures in a row, over all that is sent to the endpoint. */
  readonly failures: number;
  /** Seconds between two probes; 0 while the breaker is closed. */
  readonly probeSeconds: number;
}

/** The breaker after an attempt; `isWell` undefined leaves it as it is. */
export function nextBreaker(breaker: Breaker, isWell: boolean | undefined): Breaker {
  if (isWell === undefined) return breaker;
  if (isWell) return { failures: 0, probeSeconds: 0 };
  const failures = breaker.failures + 1;
  if (failures < BREAKER_FAILURES) return { failures, probeSeconds: 0 };
  const next = breaker.probeSeconds === 0 ? FIRST_PROBE_SECONDS : breaker.probeSeconds * 2;
  return { failures, probeSeconds: Math.min(next, LONGEST_PROBE_SECONDS) };
}
