import { createServer as createHttpServer, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer,
  type LookupFunction,
  type Server as NetServer,
} from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createGuardedConnector } from '../../../src/egress/connector.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createProbe, type Probe } from '../../../src/egress/probe.ts';
import { createTestApi, submission, type TestApi } from '../../helpers/api.ts';
import { INTERNAL, MALFORMED } from '../../helpers/internal-addresses.ts';

// Two fields hold URLs that the engine calls: rest_endpoints and semaphore_url. Sources are folders of the
// client's storage; a recipe that fetched by URL would have to go through the same connector.

/** The one address that the client is allowed, and where an honest receiver listens. */
const ALLOWED = ['127.0.0.1/32'];

let api: TestApi;
/** Listens on every other address of this machine, at the receiver's port: nothing may come. */
let canaries: readonly NetServer[];
let receiver: Server;
let port = 0;
let canaryConnections = 0;
let received = 0;
let answer: { readonly status: number; readonly location?: string } = { status: 200 };

/** Addresses that names resolve to; each look-up takes the next, the last one stays. */
const zone = new Map<string, string[]>();
const lookup: LookupFunction = (host, _options, done) => {
  const addresses = zone.get(host) ?? [];
  const address = addresses.length > 1 ? addresses.shift() : addresses[0];
  if (address === undefined) done(Object.assign(new Error(host), { code: 'ENOTFOUND' }), '', 0);
  else done(null, [{ address, family: address.includes(':') ? 6 : 4 }] as never, 4);
};

let egress: Egress;
let probe: Probe;

const listen = (server: NetServer, host: string, at: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen({ port: at, host, ipv6Only: true }, resolve);
  });

beforeAll(async () => {
  receiver = createHttpServer((request, response) => {
    received += 1;
    request.resume().on('end', () => {
      // closed, so that the next request looks its name up again
      const location = answer.location === undefined ? {} : { location: answer.location };
      response.writeHead(answer.status, { connection: 'close', ...location }).end();
    });
  });
  await listen(receiver, '127.0.0.1', 0);
  port = (receiver.address() as AddressInfo).port;
  const create = (): NetServer =>
    createServer((socket) => {
      canaryConnections += 1;
      socket.destroy();
    });
  canaries = [create(), create(), create()];
  await Promise.all(
    ['127.0.0.2', '127.255.255.254', '::'].map((host, at) =>
      listen(canaries[at] ?? create(), host, port),
    ),
  );
  egress = createEgress({ lookup });
  probe = createProbe({ parallel: 10, lookup });
  api = await createTestApi();
  await sql`UPDATE tenants SET allowed_networks = '{}'`.execute(api.database.db);
});

afterEach(() => {
  answer = { status: 200 };
  zone.clear();
  canaryConnections = 0;
  received = 0;
});

afterAll(async () => {
  await api.stop();
  await egress.close();
  await probe.close();
  for (const server of [receiver, ...canaries]) await new Promise((done) => server.close(done));
});

/** Calls a URL as callbacks and as semaphores are called; what came of each. */
async function callBoth(
  url: string,
  allowedNetworks: readonly string[],
): Promise<readonly (string | number)[]> {
  const request = { url, allowedNetworks, timeoutMs: 2000 };
  const results = [
    await egress.postJson({ ...request, body: '{}' }),
    await probe.getStatus(request),
  ];
  return results.map((one) => (one.kind === 'failed' ? one.failure : one.status));
}

const BLOCKED = ['blocked', 'blocked'];

/** The address that a spelling stands for, as a name server would give it; undefined for a name. */
function addressOf(host: string): string | undefined {
  const { hostname } = new URL(`http://${host}/`);
  const bare = hostname.replace(/^\[|\]$/g, '');
  return /^[\d.]+$|:/.test(bare) ? bare : undefined;
}

test('there are 60 spellings and more, and a canary that hears what leads to this machine', async () => {
  expect(new Set(INTERNAL).size).toBeGreaterThanOrEqual(60);
  const all = ['127.0.0.0/8', '::1/128'];
  for (const host of ['127.0.0.2', '[::1]', '2130706434']) {
    await callBoth(`http://${host}:${port}/`, all);
  }
  expect(canaryConnections).toBeGreaterThanOrEqual(6);
});

describe.each(INTERNAL)('%s', (host) => {
  test('is refused at submission, as a callback and as a semaphore', async () => {
    const url = `http://${host}:${port}/x`;
    const callback = await api.send('POST', '/job', submission({ rest_endpoints: [url] }));
    const semaphore = await api.send('POST', '/job', submission({}, { semaphore_url: url }));
    expect([callback.status, callback.json.error]).toEqual([
      400,
      expect.stringContaining('rest_endpoints: '),
    ]);
    expect([semaphore.status, semaphore.json.error]).toEqual([
      400,
      expect.stringContaining('semaphore_url: '),
    ]);
    expect(canaryConnections + received).toBe(0);
  });

  test('is not connected to, wherever the URL came from', async () => {
    expect(await callBoth(`http://${host}:${port}/`, [])).toEqual(BLOCKED);
    expect(await callBoth(`http://${host}/`, [])).toEqual(BLOCKED);
    expect(await callBoth(`https://${host}:${port}/`, [])).toEqual(BLOCKED);
    expect(canaryConnections + received).toBe(0);
  });

  test('is not connected to by the connector alone', async () => {
    const connect = createGuardedConnector({
      allowedNetworks: [],
      connectTimeoutMs: 1000,
      tls: { isVerified: true, certificate: undefined },
    });
    const { hostname } = new URL(`http://${host}/`);
    const error = await new Promise((resolve) => {
      connect({ hostname, protocol: 'http:', port: String(port) }, (...result) =>
        resolve(result[0]),
      );
    });
    // names below localhost that the system does not know are not found, which is as good
    expect(error).toMatchObject({ code: expect.stringMatching(/^(?:EBLOCKED|ENOTFOUND)$/) });
    expect(canaryConnections + received).toBe(0);
  });

  test('is not followed to by a redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      // a header's bytes, as Node writes them
      const location = Buffer.from(`http://${host}:${port}/`).toString('latin1');
      answer = { status, location };
      expect(await callBoth(`http://127.0.0.1:${port}/`, ALLOWED)).toEqual([status, status]);
    }
    expect(canaryConnections).toBe(0);
    // the answers that told to go elsewhere, and nothing else
    expect(received).toBe(10);
  });
});

/** What a name can lead to, but for the one address that is allowed. */
const ADDRESSES = [...new Set(INTERNAL.map(addressOf))].filter(
  (one) => one !== undefined && !['127.0.0.1', '::ffff:7f00:1'].includes(one),
);

test.each(ADDRESSES)(
  'a name that leads to %s, at once or at its second look-up',
  async (address = '') => {
    zone.set('inside.example', [address]);
    expect(await callBoth(`http://inside.example:${port}/`, ALLOWED)).toEqual(BLOCKED);
    expect(canaryConnections).toBe(0);
    received = 0;
    for (const call of [0, 1]) {
      zone.set('turned.example', ['127.0.0.1', address]);
      const request = {
        url: `http://turned.example:${port}/`,
        allowedNetworks: ALLOWED,
        timeoutMs: 2000,
      };
      const ask = () =>
        call === 0 ? egress.postJson({ ...request, body: '{}' }) : probe.getStatus(request);
      expect(await ask()).toMatchObject({ kind: 'answered', status: 200 });
      expect(await ask()).toMatchObject({ kind: 'failed', failure: 'blocked' });
    }
    expect(canaryConnections).toBe(0);
    expect(received).toBe(2);
    received = 0;
  },
);

test.each(MALFORMED)('%j is refused at submission and not called', async (url) => {
  if (url !== '') {
    const callback = await api.send('POST', '/job', submission({ rest_endpoints: [url] }));
    expect(callback.status).toBe(400);
    const semaphore = await api.send('POST', '/job', submission({}, { semaphore_url: url }));
    expect(semaphore.status).toBe(400);
  }
  expect(await callBoth(url, [])).toEqual(BLOCKED);
  expect(canaryConnections + received).toBe(0);
});

test('a chain of redirects is left at its first answer, one to the receiver itself too', async () => {
  answer = { status: 302, location: `http://127.0.0.1:${port}/` };
  expect(await callBoth(`http://127.0.0.1:${port}/`, ALLOWED)).toEqual([302, 302]);
  expect(received).toBe(2);
});
