import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

let server: Server;
let egress: Egress;
let port = 0;
let connections = 0;

// every name leads to this machine, as a hostile name server would have it
const lookup: LookupFunction = (_host, _options, done) => {
  done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4);
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/redirect')
      response.writeHead(302, { location: `http://127.0.0.1:${port}/ok` }).end();
    else if (path === '/big') {
      response.writeHead(200);
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const write = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    } else if (path === '/drip') {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(timer));
    } else if (path === '/silent') request.resume();
    else response.writeHead(Number(path.slice(1)) || 200, { 'retry-after': '7' }).end('answer');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  egress = createEgress({ lookup });
});

beforeEach(() => {
  connections = 0;
});

afterAll(async () => {
  await egress.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const post = (host: string, path: string, allowedNetworks: readonly string[], timeoutMs = 2000) =>
  egress.postJson({ url: `http://${host}:${port}${path}`, body: '{}', allowedNetworks, timeoutMs });

test.each([
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '0.0.0.0',
  'localhost',
  'evil.example',
  'localhost.',
])('%s is not connected to without leave', async (host) => {
  expect(await post(host, '/ok', [])).toMatchObject({ kind: 'failed', failure: 'blocked' });
  expect(connections).toBe(0);
});

test("one tenant's leave opens nothing for another, on the same host at the same time", async () => {
  const [allowed, refused] = await Promise.all([
    post('127.0.0.1', '/ok', LOOPBACK),
    post('127.0.0.1', '/ok', []),
  ]);
  expect(allowed).toMatchObject({
    kind: 'answered',
    status: 200,
    answer: 'answer',
    retryAfter: '7',
  });
  expect(refused).toMatchObject({ kind: 'failed', failure: 'blocked' });
});

test('redirects are answers and are not followed', async () => {
  expect(await post('127.0.0.1', '/redirect', LOOPBACK)).toMatchObject({
    kind: 'answered',
    status: 302,
  });
});

test.each([204, 299, 301, 400, 404, 410, 429, 500, 503])(
  'status %i is told as it is',
  async (status) => {
    expect(await post('127.0.0.1', `/${status}`, LOOPBACK)).toMatchObject({
      kind: 'answered',
      status,
    });
  },
);

test('an endless answer is cut off and 2 KB of it kept', async () => {
  const before = process.memoryUsage().rss;
  const result = await post('127.0.0.1', '/big', LOOPBACK);
  expect(result.kind === 'answered' && result.answer.length).toBe(2048);
  expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
});

test.each(['/drip', '/silent'])('%s ends at the time limit', async (path) => {
  const startedAt = Date.now();
  expect(await post('127.0.0.1', path, LOOPBACK, 600)).toMatchObject({
    kind: 'failed',
    failure: 'timeout',
  });
  expect(Date.now() - startedAt).toBeLessThan(2000);
});

test('a port where nobody listens is refused', async () => {
  const result = await egress.postJson({
    url: 'http://127.0.0.1:5/',
    body: '{}',
    allowedNetworks: LOOPBACK,
    timeoutMs: 2000,
  });
  expect(result).toMatchObject({ kind: 'failed', failure: 'refused' });
});
