import { afterAll, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { listenHttp } from '../../api/http-server.ts';
import type { RateLimits } from '../../api/limits/rate-limits.ts';
import { readConfig } from '../../src/config/config.ts';
import { ACME, createTestApi, OTHER, submission } from '../helpers/api.ts';

const api = await createTestApi();

afterAll(() => api.stop());

/** The same API with limits. */
const createLimitedApp = (limits: Partial<RateLimits>) =>
  createApp({
    ...api.deps,
    admitter: { request: () => undefined, drain: () => Promise.resolve() },
    limits: {
      writesPerMinute: 0,
      readsPerMinute: 0,
      failedLoginsPerMinute: 0,
      trustedProxies: 0,
      ...limits,
    },
  });

/** The same, asked from an address. */
function createLimitedApi(limits: Partial<RateLimits>) {
  const app = createLimitedApp(limits);
  return async (
    remoteAddress: string,
    headers: Record<string, string>,
    path = '/jobs',
    body?: unknown,
  ) => {
    const init =
      body === undefined
        ? { headers }
        : {
            headers: { 'content-type': 'application/json', ...headers },
            method: 'POST',
            body: JSON.stringify(body),
          };
    const answer = await app.request(path, init, { incoming: { socket: { remoteAddress } } });
    return { status: answer.status, headers: answer.headers, json: await answer.json() };
  };
}

/** `Retry-After`: whole seconds, as many as one token takes at most. */
function waitOf(answer: { readonly headers: Headers } | undefined, most: number): number {
  const text = answer?.headers.get('retry-after') ?? '';
  expect(text).toMatch(/^[1-9]\d*$/);
  expect(Number(text)).toBeLessThanOrEqual(most);
  return Number(text);
}

const wrong = (client: string, n = 0) => ({ client, 'api-key': `wrong-${n}` });

test('an address with too many failed logins gets 429 and when to come back', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 5 });
  for (let n = 0; n < 5; n++) {
    expect((await ask('192.0.2.1', wrong(`nobody-${n}`, n))).status).toBe(401);
  }
  const answer = await ask('192.0.2.1', wrong('nobody'));
  expect(answer.status).toBe(429);
  const wait = waitOf(answer, 12);
  expect(answer.json).toEqual({ error: `Too many failed logins; try again in ${wait} s` });
  // even with a right key, which could be a guess
  expect((await ask('192.0.2.1', ACME)).status).toBe(429);
  expect((await ask('192.0.2.2', ACME)).status).toBe(200);
});

test('missing and malformed credentials count as failed logins', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 2 });
  expect((await ask('192.0.2.1', {})).status).toBe(401);
  expect((await ask('192.0.2.1', { client: 'acme', 'api-key': 'x'.repeat(9999) })).status).toBe(
    401,
  );
  expect((await ask('192.0.2.1', {})).status).toBe(429);
});

test('a login that passed before stays good at an address shared with an attacker', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 3 });
  expect((await ask('192.0.2.1', ACME)).status).toBe(200);
  for (let n = 0; n < 10; n++) await ask('192.0.2.1', wrong('acme', n));
  expect((await ask('192.0.2.1', wrong('acme'))).status).toBe(429);
  expect((await ask('192.0.2.1', ACME)).status).toBe(200);
});

test('a flood of wrong keys for a name from everywhere locks its right key out nowhere', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 5 });
  const statuses: number[] = [];
  for (let n = 1; n <= 50; n++)
    statuses.push((await ask(`198.51.100.${n}`, wrong('acme', n))).status);
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
  expect(new Set(statuses.slice(5))).toEqual(new Set([429]));
  expect((await ask('203.0.113.7', ACME)).status).toBe(200);
});

test('the older form of credentials is counted with the new one', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 1 });
  const older = { client: 'nobody', ...(submission() as object) };
  expect((await ask('192.0.2.1', { 'API-KEY': 'wrong' }, '/job', older)).status).toBe(401);
  expect((await ask('192.0.2.2', wrong('nobody'))).status).toBe(429);
  expect((await ask('192.0.2.1', ACME)).status).toBe(429);
});

test('IPv6 addresses of one customer are one address', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 3 });
  for (let n = 1; n <= 3; n++) await ask(`2001:db8:1:2::${n}`, wrong(`nobody-${n}`));
  expect((await ask('2001:db8:1:2:ffff::9', wrong('nobody'))).status).toBe(429);
  expect((await ask('2001:db8:1:3::1', wrong('nobody'))).status).toBe(401);
});

test('X-Forwarded-For is believed behind a trusted proxy only, and only what that one wrote', async () => {
  const from = (forwarded: string) => ({ ...wrong('nobody'), 'x-forwarded-for': forwarded });
  const direct = createLimitedApi({ failedLoginsPerMinute: 1 });
  await direct('192.0.2.1', from('203.0.113.1'));
  expect((await direct('192.0.2.1', from('203.0.113.2'))).status).toBe(429);

  const proxied = createLimitedApi({ failedLoginsPerMinute: 1, trustedProxies: 1 });
  const named = (name: string, forwarded: string) => ({ ...from(forwarded), client: name });
  await proxied('192.0.2.1', named('nobody-1', '203.0.113.1'));
  expect((await proxied('192.0.2.1', named('nobody-2', '203.0.113.2'))).status).toBe(401);
  // some proxies write the port
  expect((await proxied('192.0.2.1', named('nobody-4', '203.0.113.1:4711'))).status).toBe(429);
  // what the client itself wrote stands before what the proxy saw
  const lied = await proxied('192.0.2.1', named('nobody-3', '203.0.113.9, 203.0.113.1'));
  expect(lied.status).toBe(429);
});

test('reads and submissions of a client are limited apart, and those of no other', async () => {
  const ask = createLimitedApi({ writesPerMinute: 3, readsPerMinute: 2 });
  const submit = (headers: Record<string, string>) =>
    ask('192.0.2.1', headers, '/job', submission());
  const submitted = [
    await submit(ACME),
    await submit(ACME),
    await submit(ACME),
    await submit(ACME),
  ];
  expect(submitted.map((one) => one.status)).toEqual([200, 200, 200, 429]);
  const wait = waitOf(submitted[3], 20);
  expect(submitted[3]?.json).toEqual({
    error: `Too many submissions and changes; try again in ${wait} s`,
  });
  const read = [
    await ask('192.0.2.1', ACME),
    await ask('192.0.2.1', ACME),
    await ask('192.0.2.1', ACME),
  ];
  expect(read.map((one) => one.status)).toEqual([200, 200, 429]);
  expect((await submit(OTHER)).status).toBe(200);
  expect((await ask('192.0.2.1', OTHER)).status).toBe(200);
});

test('over a real connection the other end is the address', async () => {
  const app = createLimitedApp({ failedLoginsPerMinute: 2 });
  const server = await listenHttp({ fetch: app.fetch, host: '127.0.0.1', port: 0 });
  try {
    const statuses: number[] = [];
    for (let n = 0; n < 3; n++) {
      statuses.push((await fetch(`${server.url}/jobs`, { headers: wrong(`nobody-${n}`) })).status);
    }
    expect(statuses).toEqual([401, 401, 429]);
  } finally {
    await server.close();
  }
});

test('routes open to everybody are not limited', async () => {
  const ask = createLimitedApi({ failedLoginsPerMinute: 1, readsPerMinute: 1 });
  for (let n = 0; n < 5; n++) await ask('192.0.2.1', wrong('nobody', n));
  expect((await ask('192.0.2.1', {}, '/')).status).toBe(200);
});

test('by default a client may submit 10,000 jobs as fast as it can', () => {
  expect(readConfig({}).limits.writesPerMinute).toBeGreaterThanOrEqual(10_000);
});
