import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createRateLimiter } from '../limits/rate-limiter.ts';
import type { RateLimits } from '../limits/rate-limits.ts';

/** The answer to those who come too often (RFC 6585 §4); `Retry-After` is whole seconds. */
export const tooMany = (what: string, waitSeconds: number): ApiError =>
  new ApiError(429, `Too many ${what}; try again in ${waitSeconds} s`, {
    'retry-after': String(waitSeconds),
  });

/** Limits the requests of each tenant, those that change something and the others apart. */
export function createRateLimit(limits: RateLimits): MiddlewareHandler<ApiEnv> {
  const writes = createRateLimiter(limits.writesPerMinute);
  const reads = createRateLimiter(limits.readsPerMinute);
  return async (c, next) => {
    const isRead = ['GET', 'HEAD'].includes(c.req.method);
    const wait = (isRead ? reads : writes).take(String(c.get('tenant').id));
    if (wait > 0) throw tooMany(isRead ? 'reads' : 'submissions and changes', wait);
    return next();
  };
}
