import type { MiddlewareHandler } from 'hono';

/** Headers of every answer: nothing is cached, sniffed or framed. A page sets its own policy. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  const set = (name: string, value: string): void => {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  };
  set('x-content-type-options', 'nosniff');
  set('cache-control', 'no-store');
  set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  set('referrer-policy', 'no-referrer');
};
