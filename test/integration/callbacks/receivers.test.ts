import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createTestApi, submission, type TestApi } from '../../helpers/api.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { addJob, addTenant, drain, endpointIds, tellJob } from './deliveries.ts';

// What receivers do to the connection, seen from the ledger: one attempt, judged once, little kept of it.

const HEAD = 'HTTP/1.1 200 OK\r\n';
const MB = 1024 * 1024;

let api: TestApi;
let egress: Egress;
let tenantId = 0;
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  api = await createTestApi();
  egress = createEgress();
});

beforeEach(async () => {
  tenantId = await addTenant(api.database.db);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((one) => new Promise((done) => one.close(done))));
});

afterAll(async () => {
  await egress.close();
  await api.stop();
});

async function listen(server: Server): Promise<string> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
}

/** Sends one job end; limits are the engine's own, but for the whole, which is 1 s instead of 15 s. */
async function sendTo(url: string): Promise<Record<string, unknown>> {
  const { db } = api.database;
  await tellJob(db, await addJob(db, tenantId, [url]), 0);
  const [endpointId = 0] = await endpointIds(db, tenantId);
  const impatient: Egress = {
    close: () => Promise.resolve(),
    postJson: (request) => egress.postJson({ ...request, timeoutMs: 1000 }),
  };
  await drain({ db, egress: impatient, retryWaitsSeconds: [600] }, endpointId);
  const { rows } = await sql<Record<string, unknown>>`
    SELECT state, status, split_part(error, ':', 1) AS error, octet_length(answer) AS bytes, answer,
           count(*) OVER () AS attempts
    FROM delivery_attempts a JOIN deliveries d ON d.id = delivery_id JOIN streams ON streams.id = stream_id
    WHERE endpoint_id = ${endpointId}`.execute(db);
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
}

const once = (act: (socket: Socket) => void): Promise<string> =>
  listen(createServer((socket) => void socket.once('data', () => act(socket))));

const flood = (socket: Socket, chunk: Buffer): void => {
  const write = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', write);
  write();
};

const chunked = (size: number): Buffer =>
  Buffer.concat([
    Buffer.from(`${size.toString(16)}\r\n`),
    Buffer.alloc(size, 'x'),
    Buffer.from('\r\n'),
  ]);

test.each<[string, (socket: Socket) => void]>([
  [
    'a body of 1 GB',
    (socket) => {
      socket.write(`${HEAD}content-length: ${1024 * MB}\r\n\r\n`);
      flood(socket, Buffer.alloc(64 * 1024, 'x'));
    },
  ],
  [
    'chunks without end',
    (socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      flood(socket, chunked(64 * 1024));
    },
  ],
  [
    'a bomb of gzip in gzip',
    (socket) => {
      const bomb = gzipSync(gzipSync(Buffer.alloc(64 * MB)));
      const head = `${HEAD}content-encoding: gzip, gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`;
      socket.end(Buffer.concat([Buffer.from(head), bomb]));
    },
  ],
  [
    'NULs and bytes that are no UTF-8',
    (socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from(`${HEAD}content-length: 9000\r\n\r\n`),
          Buffer.alloc(9000, '\0\xff', 'latin1'),
        ]),
      ),
  ],
])(
  '%s after 200 is delivered once, at most 2 KB of it kept and little memory taken',
  async (_, act) => {
    const url = await once(act);
    const before = process.memoryUsage().rss;
    const row = await sendTo(url);
    expect(row).toMatchObject({ state: 'delivered', status: 200, attempts: 1 });
    expect(String(row['answer']).length).toBeLessThanOrEqual(2048);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * MB);
  },
);

test.each<[string, (socket: Socket) => void, string]>([
  ['silence', () => undefined, 'timeout'],
  [
    'headers, then nothing',
    (socket) => void socket.write(`${HEAD}content-length: 5\r\n\r\n`),
    'timeout',
  ],
  [
    'a body at one byte each 50 ms',
    (socket) => {
      socket.write(`${HEAD}content-length: 1000\r\n\r\n`);
      const timer = setInterval(() => socket.write('x'), 50);
      socket.on('close', () => clearInterval(timer));
    },
    'timeout',
  ],
  ['no HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH_9\r\n'), 'protocol'],
  [
    'a reset inside the answer',
    (socket) =>
      void socket.write(`${HEAD}content-length: 9\r\n\r\nab`, () => socket.resetAndDestroy()),
    'reset',
  ],
])('%s is one failed attempt, and the connection is closed', async (_, act, error) => {
  expect(await sendTo(await once(act))).toMatchObject({
    state: 'pending',
    status: null,
    error,
    bytes: null,
    attempts: 1,
  });
  await expect.poll(() => sockets.size).toBe(0);
});

test('a receiver that accepts no connection is given up at the connect limit, long before the whole limit', async () => {
  // a listener whose queue of connections is full drops what comes on top, as one behind a firewall does
  const script = `
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
held = []
for _ in range(3):
    c = socket.socket(); c.setblocking(False)
    try: c.connect(s.getsockname())
    except BlockingIOError: pass
    held.append(c)
print(s.getsockname()[1], flush=True)
time.sleep(60)`;
  const full = execa('python3', ['-c', script], { reject: false });
  try {
    const port = await new Promise<string>((resolve) => {
      full.stdout.once('data', (text: Buffer) => resolve(String(text).trim()));
    });
    const startedAt = performance.now();
    const result = await egress.postJson({
      url: `http://127.0.0.1:${port}/`,
      body: '{}',
      allowedNetworks: ['127.0.0.0/8'],
      timeoutMs: 15_000,
    });
    expect(result).toMatchObject({ kind: 'failed', failure: 'timeout' });
    expect(performance.now() - startedAt).toBeLessThan(12_000);
  } finally {
    full.kill('SIGKILL');
    await full;
  }
});

test('two Retry-After headers say nothing; a request carries no header but those documented', async () => {
  const seen: string[][] = [];
  const url = await listen(
    createHttpServer((request, response) => {
      seen.push(Object.keys(request.headers).sort());
      request.resume().on('end', () => {
        response.writeHead(503, [
          ['retry-after', '7200'],
          ['retry-after', '7300'],
        ] as never);
        response.end();
      });
    }),
  );
  await sendTo(url);
  const { rows } = await sql<{ seconds: number }>`
    SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM streams
    WHERE url = ${url}`.execute(api.database.db);
  expect(rows[0]?.seconds).toBeLessThan(800);
  // no accept-encoding: what answers hold is never unpacked
  expect(seen).toEqual([
    [
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'webhook-id',
      'webhook-timestamp',
    ],
  ]);
});

test('twenty URLs of one job, written twice and more, get each event once, though one is dead', async () => {
  const sink = await new CallbackSink(({ path }) => (path === '/3' ? 'drop' : 200)).start();
  try {
    const urls = Array.from({ length: 20 }, (_, at) => sink.url(`/${at}`));
    const spelled = urls.map((url) => url.replace('http://127.0.0.1', 'HTTP://127.0.1'));
    const job = submission({ rest_endpoints: [...urls, ...urls, ...spelled] });
    const { status, json } = await api.send('POST', '/job', job);
    expect(status).toBe(200);
    await tellJob(api.database.db, json.id, 2);
    const { rows } = await sql<{ id: number }>`
      SELECT DISTINCT endpoint_id AS id FROM streams WHERE job_id = ${json.id}`.execute(
      api.database.db,
    );
    for (const { id } of rows) {
      await drain({ db: api.database.db, egress, retryWaitsSeconds: [600] }, id);
    }
    const counts = urls.map((_, at) => sink.delivered(json.id, `/${at}`).length);
    expect(counts).toEqual(urls.map((_, at) => (at === 3 ? 0 : 5)));
    expect(sink.requests).toHaveLength(19 * 5 + 1);
    const more = submission({ rest_endpoints: [...urls, sink.url('/20')] });
    const refused = await api.send('POST', '/job', more);
    expect([refused.status, refused.json.error]).toEqual([
      400,
      expect.stringMatching(/^parameters\.rest_endpoints: has more than 20/),
    ]);
  } finally {
    await sink.close();
  }
});
