import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../src/log/logger.ts';

/** Gives free slots to waiting jobs soon after a submission, without making it wait. */
export interface Admitter {
  /** Asks for an admission of a tenant's jobs; any number of requests at once become one or two. */
  readonly request: (tenantId: number) => void;
  /** Resolves when nothing is under way or waiting. What fails from now on is not tried again. */
  readonly drain: () => Promise<void>;
}

const FIRST_RETRY_MS = 250;
/** Between two admissions of one tenant: under load one of them serves many submissions. */
const PAUSE_MS = 25;
const RETRIES = 5;

/**
 * Makes an {@link Admitter}. One admission runs at a time for each tenant and at most one waits behind
 * it, for 25 ms at least: an admission that starts after a job's commit sees the job. What fails for
 * good is left to the reconciler.
 */
export function createAdmitter(deps: {
  readonly admit: (tenantId: number) => Promise<unknown>;
  readonly log: Logger;
}): Admitter {
  const running = new Map<number, Promise<void>>();
  const waiting = new Set<number>();
  const draining = new AbortController();

  /** Waits; a drain wakes it up, for one last try. */
  const pause = (ms: number): Promise<unknown> =>
    delay(ms, undefined, { signal: draining.signal }).catch(() => undefined);

  /** Admits with retries, 250 ms, 500 ms, … apart; never rejects. */
  const admit = async (tenantId: number): Promise<void> => {
    for (let tries = 0; ; tries++) {
      try {
        await deps.admit(tenantId);
        return;
      } catch (error) {
        if (tries >= RETRIES || draining.signal.aborted) {
          deps.log.warn({ tenantId, err: error }, 'jobs not admitted; the reconciler will');
          return;
        }
        await pause(FIRST_RETRY_MS * 2 ** tries);
      }
    }
  };

  const run = async (tenantId: number): Promise<void> => {
    while (waiting.delete(tenantId)) {
      await admit(tenantId);
      await pause(PAUSE_MS);
    }
    running.delete(tenantId);
  };

  return {
    request: (tenantId) => {
      waiting.add(tenantId);
      if (!running.has(tenantId)) running.set(tenantId, run(tenantId));
    },
    drain: async () => {
      draining.abort();
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
