import type { Hono, MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';

const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:[^/]+/g, '[^/]+')}$`);

interface Resource {
  readonly pattern: RegExp;
  readonly methods: ReadonlySet<string>;
}

/** The paths of an app with the methods each takes. `HEAD` goes with `GET` (RFC 9110 §9.3.2). */
function listResources(app: Hono<ApiEnv>): readonly Resource[] {
  const byPath = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    const methods = byPath.get(path) ?? new Set();
    byPath.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return [...byPath].map(([path, methods]) => ({ pattern: toPattern(path), methods }));
}

/** Answers 405 with `Allow` where a path exists with other methods only (RFC 9110 §15.5.6). */
export function createMethodGuard(app: Hono<ApiEnv>): MiddlewareHandler<ApiEnv> {
  // routes are registered after this
  let resources: readonly Resource[] | undefined;
  return async (c, next) => {
    const { method, path } = c.req;
    resources ??= listResources(app);
    const resource = resources.find((one) => one.pattern.test(path));
    if (resource !== undefined && !resource.methods.has(method)) {
      const allow = [...resource.methods].sort().join(', ');
      throw new ApiError(405, `${path} takes ${allow}`, { allow });
    }
    return next();
  };
}
