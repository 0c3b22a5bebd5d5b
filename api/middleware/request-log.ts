import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Logger } from '../../src/log/logger.ts';
import type { ApiEnv } from '../deps.ts';

/** Reads are frequent and change nothing: logged for those who look closer. */
function levelOf(method: string, status: number): 'debug' | 'info' | 'error' {
  if (status >= 500) return 'error';
  return method === 'GET' && status < 400 ? 'debug' : 'info';
}

/**
 * Gives each request an id, which the answer carries as `x-request-id`, and logs its end; never a
 * header, a query or a body.
 */
export function createRequestLog(log: Logger): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const requestId = randomUUID();
    const startedAt = performance.now();
    c.set('requestId', requestId);
    c.header('x-request-id', requestId);
    await next();
    const { method, path } = c.req;
    log[levelOf(method, c.res.status)](
      {
        requestId,
        tenant: c.get('tenant')?.name,
        method,
        path,
        status: c.res.status,
        durationMs: Math.round(performance.now() - startedAt),
      },
      'request',
    );
  };
}
