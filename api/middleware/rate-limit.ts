import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createRateLimiter } from '../limits/rate-limiter.ts';

/** How much is let in; 0 limits nothing. Each process counts for itself. */
export interface RateLimits {
  /** Requests of one tenant that change something, a minute. */
  readonly writesPerMinute: number;
  /** Other requests of one tenant, a minute. */
  readonly readsPerMinute: number;
  /** Failed logins of one address, and for one name, a minute. */
  readonly failedLoginsPerMinute: number;
  /** Proxies before the API whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: number;
}

/** Lets everybody in as often as they like, behind no proxy. */
export const UNLIMITED: RateLimits = {
  writesPerMinute: 0,
  readsPerMinute: 0,
  failedLoginsPerMinute: 0,
  trustedProxies: 0,
};

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
