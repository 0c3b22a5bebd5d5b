import type { Hono, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';

const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`);

/** Answers 405 with `Allow` where a path exists with other methods only (RFC 9110 §15.5.6). */
export function createMethodGuard(app: Hono<ApiEnv>): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { method, path } = c.req;
    const allowed = new Set(
      app.routes
        .filter((route) => route.method !== 'ALL' && toPattern(route.path).test(path))
        .map((route) => route.method),
    );
    if (allowed.has('GET')) allowed.add('HEAD');
    if (allowed.size > 0 && !allowed.has(method)) {
      const allow = [...allowed].sort().join(', ');
      throw new ApiError(405, `${path} takes ${allow}`, { allow });
    }
    return next();
  };
}
