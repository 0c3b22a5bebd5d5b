import { nextWaitSeconds, parseRetryAfter } from './retry-schedule.ts';

/**
 * What may become of a callback's delivery to one URL.
 *
 * | state | it | left by |
 * |---|---|---|
 * | pending | is to be sent, when its stream is due | an attempt; 410 to an earlier one |
 * | delivered | was answered 2xx | replay with force |
 * | exhausted | used its schedule up | replay |
 * | parked | was refused three times for what it is, or the engine failed at it five times | replay |
 * | stopped | comes after a 410: the receiver wants no more of this job | replay |
 */
export const DELIVERY_STATES = ['pending', 'delivered', 'exhausted', 'parked', 'stopped'] as const;

/** One of {@link DELIVERY_STATES}. */
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What one attempt saw. */
export interface Attempted {
  /** HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** Nothing was sent for a reason of ours: no name service, no network, no key. It counts for nobody. */
  readonly isOurFault: boolean;
  /** `Retry-After` as it was sent. */
  readonly retryAfter: string | null;
}

/** What a delivery has behind it. */
export interface DeliveryRecord {
  /** Attempts made before this one. */
  readonly attempts: number;
  /** How many of them were answered with a refusal, a 4xx. */
  readonly refusals: number;
}

/** What an attempt makes of its delivery, and says of its endpoint. */
export interface DeliveryOutcome {
  readonly state: DeliveryState;
  readonly isRefusal: boolean;
  /** Seconds until the next attempt; undefined where there is none. */
  readonly retrySeconds: number | undefined;
  /** Whether the endpoint is well: it answered something. Undefined: nobody knows. */
  readonly isEndpointWell: boolean | undefined;
  /** Seconds for which the endpoint asks to be left alone; 0 where it does not. */
  readonly endpointPauseSeconds: number;
}

const MOST_REFUSALS = 3;
const MOST_FAULTS = 5;
const OUR_RETRY_SECONDS = 30;

/** Until an attempt that was prevented here is made after all; `random` is within 0 and 1. */
export const ourRetrySeconds = (random: number): number => OUR_RETRY_SECONDS * (0.8 + 0.4 * random);

/** Longest an answer to one callback holds up the others of its endpoint, seconds. */
const LONGEST_PAUSE_SECONDS = 600;

/** 4xx that say nothing against the callback itself: it may be taken another time. */
const NOT_REFUSALS = new Set([408, 409, 425, 429]);
const SLOW_DOWN = new Set([429, 503]);

/** Judges an attempt. `waits` are the seconds after the 1st, 2nd, … failed one, `random` is within 0 and 1. */
export function judgeAttempt(
  attempted: Attempted,
  record: DeliveryRecord,
  waits: readonly number[],
  context: { readonly nowMs: number; readonly random: number },
): DeliveryOutcome {
  const { status } = attempted;
  const base = { isRefusal: false, retrySeconds: undefined, endpointPauseSeconds: 0 } as const;
  if (attempted.isOurFault) {
    return {
      ...base,
      state: 'pending',
      retrySeconds: ourRetrySeconds(context.random),
      isEndpointWell: undefined,
    };
  }
  if (status !== null && status >= 200 && status < 300) {
    return { ...base, state: 'delivered', isEndpointWell: true };
  }
  if (status === 410) return { ...base, state: 'stopped', isEndpointWell: true };

  const isRefusal = status !== null && status >= 400 && status < 500 && !NOT_REFUSALS.has(status);
  const retryAfter = parseRetryAfter(attempted.retryAfter, context.nowMs);
  const failed = {
    isRefusal,
    // an endpoint that refuses what it is sent is alive
    isEndpointWell: isRefusal,
    endpointPauseSeconds:
      status !== null && SLOW_DOWN.has(status)
        ? Math.min(retryAfter ?? 0, LONGEST_PAUSE_SECONDS)
        : 0,
  };
  if (isRefusal && record.refusals + 1 >= MOST_REFUSALS) {
    return { ...failed, state: 'parked', retrySeconds: undefined };
  }
  const retrySeconds = nextWaitSeconds(waits, record.attempts + 1, context.random, retryAfter);
  return { ...failed, state: retrySeconds === undefined ? 'exhausted' : 'pending', retrySeconds };
}

/**
 * What an unexpected error of the engine makes of the delivery it was at, after `faults` earlier ones: it is
 * tried again soon, and parked at the fifth, so that one row nobody can send does not hold its stream for ever.
 */
export function judgeFault(faults: number, random: number): DeliveryOutcome {
  const isLast = faults + 1 >= MOST_FAULTS;
  return {
    state: isLast ? 'parked' : 'pending',
    isRefusal: false,
    retrySeconds: isLast ? undefined : ourRetrySeconds(random),
    isEndpointWell: undefined,
    endpointPauseSeconds: 0,
  };
}
