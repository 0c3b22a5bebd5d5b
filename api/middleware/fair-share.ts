import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createFairShare } from '../limits/fair-share.ts';

/** Requests of one tenant that are worked on at once; more wait for their turn. */
const AT_ONCE = 16;

/** How long a request waits for its turn at most, milliseconds; only where Postgres is away it comes to that. */
const LONGEST_MS = 30_000;

const WITHOUT_TURNS = new Set(['/health', '/events']);

/**
 * Works on so many requests of one tenant at once, so that a flood of one waits behind itself and not
 * in front of everybody. Health is asked when things are slow, and a reader of events that waits for
 * some works on nothing: they take no turns.
 */
export function createTurns(): MiddlewareHandler<ApiEnv> {
  const share = createFairShare({ atOnce: AT_ONCE, longestMs: LONGEST_MS });
  return async (c, next) => {
    if (WITHOUT_TURNS.has(c.req.path)) return next();
    const leave = await share.enter(c.get('tenant').id);
    if (leave === undefined) {
      throw new ApiError(503, "The server is busy with earlier requests of this client's", {
        'retry-after': '5',
      });
    }
    try {
      return await next();
    } finally {
      leave();
    }
  };
}
