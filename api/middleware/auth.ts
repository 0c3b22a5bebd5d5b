import type { Context, MiddlewareHandler } from 'hono';
import type { Authenticate } from '../authenticator.ts';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';

const MOST_CHARACTERS = 256;

const isPlausible = (text: string | undefined): text is string =>
  text !== undefined &&
  text !== '' &&
  text.length <= MOST_CHARACTERS &&
  /^[\x20-\x7e]+$/.test(text);

/** `client` of the body, as the older trigger sends it. */
function nameInBody(c: Context<ApiEnv>): string | undefined {
  const body = c.get('body')?.value;
  if (typeof body !== 'object' || body === null || !('client' in body)) return undefined;
  return typeof body.client === 'string' ? body.client : undefined;
}

/** The tenant's name: header `client`, or the body's. Two that differ name nobody. */
function tenantName(c: Context<ApiEnv>): string | undefined {
  const [header, inBody] = [c.req.header('client'), nameInBody(c)];
  if (header === undefined || inBody === undefined) return header ?? inBody;
  return header === inBody ? header : undefined;
}

/** Lets only a tenant with its key pass (contract §2). Every fault gets the same answer. */
export function createAuth(authenticate: Authenticate): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const name = tenantName(c);
    const apiKey = c.req.header('api-key');
    const tenant =
      isPlausible(name) && isPlausible(apiKey) ? await authenticate(name, apiKey) : undefined;
    if (tenant === undefined) {
      throw new ApiError(401, 'Headers client and api-key must name a client and one of its keys', {
        'www-authenticate': 'ApiKey realm="task-engine"',
      });
    }
    c.set('tenant', tenant);
    return next();
  };
}
