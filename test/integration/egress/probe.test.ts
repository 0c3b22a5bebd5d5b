import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import {
  type AddressInfo,
  createServer,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createProbe, type Probe } from '../../../src/egress/probe.ts';

const LOOPBACK = ['127.0.0.1/32'];

let probe: Probe | undefined;
const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  await probe?.close();
  probe = undefined;
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((one) => new Promise((done) => one.close(done))));
});

async function listen(server: Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(port, host, done));
  return (server.address() as AddressInfo).port;
}

function ask(url: string, options: { lookup?: LookupFunction; timeoutMs?: number } = {}) {
  probe ??= createProbe({
    parallel: 100,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  });
  const { timeoutMs = 1000 } = options;
  return probe.getStatus({ url, allowedNetworks: LOOPBACK, timeoutMs });
}

test('a URL is asked once by a GET that names the product; a redirect is an answer', async () => {
  const seen: IncomingMessage[] = [];
  const port = await listen(
    createHttpServer((request, response) => {
      seen.push(request);
      response.writeHead(302, { location: '/elsewhere' }).end();
    }),
  );
  expect(await ask(`http://127.0.0.1:${port}/x?y=1`)).toEqual({ kind: 'answered', status: 302 });
  expect(seen.map(({ method, url }) => [method, url])).toEqual([['GET', '/x?y=1']]);
  expect(seen[0]?.headers['user-agent']).toMatch(/^task-engine\/\d/);
});

test('requests that hang at one server keep no other one waiting while there is room', async () => {
  let requests = 0;
  const port = await listen(
    createHttpServer((request, response) => {
      requests += 1;
      if (request.url === '/ok') response.end();
    }),
  );
  const hanging = Array.from({ length: 99 }, (_, at) =>
    ask(`http://127.0.0.1:${port}/hang/${at}`, { timeoutMs: 3000 }),
  );
  expect(await ask(`http://127.0.0.1:${port}/ok`, { timeoutMs: 2500 })).toMatchObject({
    status: 200,
  });
  const results = await Promise.all(hanging);
  expect(new Set(results.map((one) => one.kind === 'failed' && one.failure))).toEqual(
    new Set(['timeout']),
  );
  expect(requests).toBe(100);
});

test('a name that leads inside is not connected to', async () => {
  let hits = 0;
  const port = await listen(
    createServer(() => (hits += 1)),
    '127.0.0.2',
  );
  const lookup: LookupFunction = (_host, _options, done) =>
    done(null, [{ address: '127.0.0.2', family: 4 }] as never, 4);
  expect(await ask(`http://inside.example:${port}/`, { lookup })).toMatchObject({
    kind: 'failed',
    failure: 'blocked',
  });
  expect(hits).toBe(0);
});

test.each<[string, (socket: Socket) => void, string]>([
  ['headers that never end', (socket) => void socket.write('HTTP/1.1 200 OK\r\nx: '), 'timeout'],
  ['no HTTP', (socket) => void socket.end('hello\r\n'), 'protocol'],
  ['a reset', (socket) => void socket.resetAndDestroy(), 'reset'],
])('%s is no answer', async (_name, act, failure) => {
  const port = await listen(createServer((socket) => void socket.once('data', () => act(socket))));
  expect(await ask(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'failed', failure });
});
