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

/** The tenant's name: header `client`, or `client` of the body, as the older trigger sends it. */
function tenantName(c: Context<ApiEnv>): string | undefined {
  const header = c.req.header('client');
  if (header !== undefined) return header;
  const text = c.get('bodyText');
  if (text === '') return undefined;
  const body: unknown = JSON.parse(text);
  const client = (body as { readonly client?: unknown } | null)?.client;
  return typeof client === 'string' ? client : undefined;
}

/** Lets only a tenant with its key pass (contract §2). Every fault gets the same answer. */
export function createAuth(authenticate: Authenticate): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const name = tenantName(c);
    const apiKey = c.req.header('api-key');
    const tenant =
      isPlausible(name) && isPlausible(apiKey) ? await authenticate(name, apiKey) : undefined;
    if (tenant === undefined) {
      throw new ApiError(401, 'Headers client and api-key must name a client and one of its keys');
    }
    c.set('tenant', tenant);
    return next();
  };
}
