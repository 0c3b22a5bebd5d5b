import type { Logger } from '../src/log/logger.ts';

/** Gives free slots to waiting jobs soon after a submission, without making it wait. */
export interface Admitter {
  /** Asks for an admission of a tenant's jobs; any number of requests at once become one or two. */
  readonly request: (tenantId: number) => void;
  /** Resolves when nothing is under way or waiting. */
  readonly drain: () => Promise<void>;
}

const RETRY_MS = 500;
const RETRIES = 5;

/**
 * Makes an {@link Admitter}. One admission runs at a time for each tenant and at most one waits behind
 * it: an admission that starts after a job's commit sees the job. What fails for good is found by the
 * reconciler.
 */
export function createAdmitter(deps: {
  readonly admit: (tenantId: number) => Promise<unknown>;
  readonly log: Logger;
}): Admitter {
  const running = new Map<number, Promise<void>>();
  const waiting = new Set<number>();

  const run = async (tenantId: number): Promise<void> => {
    for (let tries = 0; ; tries++) {
      waiting.delete(tenantId);
      try {
        await deps.admit(tenantId);
        if (!waiting.has(tenantId)) break;
        tries = 0;
      } catch (error) {
        if (tries >= RETRIES) {
          deps.log.warn({ tenantId, err: error }, 'jobs not admitted; the reconciler will');
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    running.delete(tenantId);
  };

  return {
    request: (tenantId) => {
      waiting.add(tenantId);
      if (!running.has(tenantId)) running.set(tenantId, run(tenantId));
    },
    drain: async () => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
