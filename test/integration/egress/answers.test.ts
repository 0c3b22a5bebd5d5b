import { createServer as createHttpServer } from 'node:http';
import {
  type AddressInfo,
  createServer,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { createEgress, type Egress, type PostResult } from '../../../src/egress/egress.ts';

const LOOPBACK = ['127.0.0.1/32'];
const HEAD = 'HTTP/1.1 200 OK\r\n';

let egress: Egress | undefined;
const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  await egress?.close();
  egress = undefined;
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

/** A receiver that does to the socket what no HTTP server would, once the request is there. */
const receiver = (act: (socket: Socket) => void): Promise<number> =>
  listen(createServer((socket) => void socket.once('data', () => act(socket))));

function post(url: string, options: { lookup?: LookupFunction; networks?: string[] } = {}) {
  egress ??= createEgress(options.lookup === undefined ? {} : { lookup: options.lookup });
  return egress.postJson({
    url,
    body: '{"a":"é"}',
    allowedNetworks: options.networks ?? LOOPBACK,
    timeoutMs: 1000,
  });
}

const failureOf = (result: PostResult): string | number =>
  result.kind === 'failed' ? result.failure : result.status;

const drip = (socket: Socket, text: string): void => {
  const timer = setInterval(() => socket.write(text), 20);
  socket.on('close', () => clearInterval(timer));
};

test.each<[string, (socket: Socket) => void, string]>([
  ['no HTTP at all', (socket) => socket.end('220 mail.example ESMTP\r\n'), 'protocol'],
  ['headers without end', (socket) => drip(socket, `${HEAD}x: ${'y'.repeat(9000)}`), 'protocol'],
  ['a reset before the answer', (socket) => socket.resetAndDestroy(), 'reset'],
  ['the end before the answer', (socket) => socket.end(), 'reset'],
  [
    'a reset inside the answer',
    (socket) =>
      socket.write(`${HEAD}content-length: 99\r\n\r\nabc`, () => socket.resetAndDestroy()),
    'reset',
  ],
  [
    'headers at 1 byte each 20 ms',
    (socket) => {
      socket.write(HEAD);
      drip(socket, 'x');
    },
    'timeout',
  ],
  [
    'a 100 Continue that nobody asked for',
    (socket) => drip(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
    'reset',
  ],
  ['early hints for ever', (socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'), 'timeout'],
])('%s is a failure of its own class', async (_name, act, failure) => {
  const port = await receiver(act);
  const startedAt = performance.now();
  expect(failureOf(await post(`http://127.0.0.1:${port}/`))).toBe(failure);
  expect(performance.now() - startedAt).toBeLessThan(1800);
});

test('an answer is kept as it came: compressed bytes are not unpacked, NUL is replaced', async () => {
  const bomb = gzipSync(Buffer.alloc(1024 * 1024));
  const packed = await receiver((socket) => {
    socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
    socket.write(bomb);
  });
  const unpacked = await post(`http://127.0.0.1:${packed}/`);
  expect(unpacked.kind === 'answered' && unpacked.answer.length).toBeLessThanOrEqual(2048);
  expect(unpacked.kind === 'answered' && unpacked.answer.startsWith('\u001f\uFFFD')).toBe(true);
  const nul = await receiver((socket) => socket.write(`${HEAD}content-length: 3\r\n\r\na\0b`));
  expect(await post(`http://127.0.0.1:${nul}/`)).toMatchObject({ answer: 'a\uFFFDb' });
});

test('the body is sent byte for byte, with type and product named, over connections that are kept', async () => {
  const seen: { readonly text: string; readonly headers: Record<string, unknown> }[] = [];
  const server = createHttpServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      seen.push({ text, headers: request.headers });
      response.end('ok');
    });
  });
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listen(server);
  for (let at = 0; at < 20; at++) await post(`http://127.0.0.1:${port}/x?y=1`);
  // a second one is opened where the first is still putting its last answer away
  expect(connections).toBeLessThanOrEqual(2);
  expect(seen).toHaveLength(20);
  expect(seen[0]?.text).toBe('{"a":"é"}');
  expect(seen[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': expect.stringMatching(/^task-engine\/\d/) as string,
  });
});

test('TLS that the receiver does not speak, or never finishes, is no success', async () => {
  const plain = await receiver((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  expect(failureOf(await post(`https://127.0.0.1:${plain}/`))).toBe('tls');
  const silent = await receiver(() => undefined);
  const startedAt = performance.now();
  expect(failureOf(await post(`https://127.0.0.1:${silent}/`))).toBe('timeout');
  expect(performance.now() - startedAt).toBeLessThan(1800);
});

test('of the addresses of a name only those allowed are connected to', async () => {
  const hits = { allowed: 0, canary: 0 };
  const allowed = createHttpServer((_request, response) => {
    hits.allowed += 1;
    response.end();
  });
  const port = await listen(allowed);
  const canary = createServer(() => {
    hits.canary += 1;
  });
  await listen(canary, '127.0.0.2', port);
  const inside = Array.from({ length: 1000 }, () => ({ address: '127.0.0.2', family: 4 }));
  const lookup: LookupFunction = (host, _options, done) => {
    const mixed = [...inside, { address: '127.0.0.1', family: 4 }];
    done(null, (host === 'mixed.example' ? mixed : inside) as never, 4);
  };
  expect(failureOf(await post(`http://mixed.example:${port}/`, { lookup }))).toBe(200);
  expect(failureOf(await post(`http://inside.example:${port}/`))).toBe('blocked');
  expect(hits).toEqual({ allowed: 1, canary: 0 });
});

test('a name is looked up once for a connection, so that it cannot change between check and use', async () => {
  let asked = 0;
  const server = createHttpServer((_request, response) => response.end());
  const port = await listen(server);
  let canaryHits = 0;
  await listen(
    createServer(() => (canaryHits += 1)),
    '127.0.0.2',
    port,
  );
  const lookup: LookupFunction = (_host, _options, done) => {
    asked += 1;
    done(null, [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }] as never, 4);
  };
  expect(failureOf(await post(`http://rebind.example:${port}/`, { lookup }))).toBe(200);
  expect(asked).toBe(1);
  server.closeAllConnections();
  await new Promise((done) => setTimeout(done, 50));
  expect(failureOf(await post(`http://rebind.example:${port}/`))).toBe('blocked');
  expect(canaryHits).toBe(0);
});

test('a name that is not there and a name server that is silent are told apart', async () => {
  const lookup: LookupFunction = (host, _options, done) => {
    if (host === 'gone.example') {
      done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '', 0);
    }
  };
  expect(failureOf(await post('http://gone.example/', { lookup }))).toBe('dns');
  expect(failureOf(await post('http://silent.example/'))).toBe('timeout');
});

test.each(['file:///etc/passwd', 'http://user:pw@127.0.0.1/', 'http://127.0.0.1:25/', 'nonsense'])(
  '%s is refused at use as at submission',
  async (url) => {
    expect(failureOf(await post(url))).toBe('blocked');
  },
);

test('a network that cannot be read opens nothing and harms nobody', async () => {
  const port = await receiver((socket) => socket.end(`${HEAD}\r\n`));
  const networks = ['not a network', '127.0.0.1/64'];
  expect(failureOf(await post(`http://127.0.0.1:${port}/`, { networks }))).toBe('blocked');
});

test('a request that is called off throws and hangs up', async () => {
  const port = await receiver(() => undefined);
  egress = createEgress();
  const stop = new AbortController();
  const request = egress.postJson({
    url: `http://127.0.0.1:${port}/`,
    body: '{}',
    allowedNetworks: LOOPBACK,
    timeoutMs: 10_000,
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(), 100);
  await expect(request).rejects.toThrow('aborted');
  await expect.poll(() => sockets.size).toBe(0);
});

test('a request called off while its name is being looked up is never sent', async () => {
  let requests = 0;
  const server = createHttpServer((_request, response) => {
    requests += 1;
    response.end();
  });
  const port = await listen(server);
  const lookup: LookupFunction = (_host, _options, done) => {
    setTimeout(() => done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4), 1200);
  };
  expect(failureOf(await post(`http://slow.example:${port}/`, { lookup }))).toBe('timeout');
  await new Promise((done) => setTimeout(done, 500));
  expect(requests).toBe(0);
});
