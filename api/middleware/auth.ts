import type { Context, MiddlewareHandler } from 'hono';
import type { Authenticate } from '../auth/authenticator.ts';
import { clientAddress } from '../auth/client-address.ts';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { createLoginGuard, type LoginGuard } from '../auth/login-guard.ts';
import { tooMany } from './rate-limit.ts';

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
export function createAuth(
  authenticate: Authenticate,
  options: {
    /** Default one that limits nothing. */
    readonly guard?: LoginGuard;
    /** Proxies before the API whose `X-Forwarded-For` is believed. Default 0. */
    readonly trustedProxies?: number;
  } = {},
): MiddlewareHandler<ApiEnv> {
  const { guard = createLoginGuard(0), trustedProxies = 0 } = options;
  return async (c, next) => {
    const name = tenantName(c);
    const apiKey = c.req.header('api-key');
    const address = clientAddress(c, trustedProxies);
    if (!isPlausible(name) || !isPlausible(apiKey)) throw refusal(guard.failed({ address }));
    const login = { address, name, apiKey };
    const wait = guard.waitSeconds(login);
    if (wait > 0) throw refusal(wait);
    const tenant = await authenticate(name, apiKey);
    if (tenant === undefined) throw refusal(guard.failed(login));
    guard.passed(login);
    c.set('tenant', tenant);
    return next();
  };
}

const refusal = (waitSeconds: number): ApiError =>
  waitSeconds > 0
    ? tooMany('failed logins', waitSeconds)
    : new ApiError(401, 'Headers client and api-key must name a client and one of its keys', {
        'www-authenticate': 'ApiKey realm="task-engine"',
      });
