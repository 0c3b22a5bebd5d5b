import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction, Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { CallbackSink, orderFaults } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, countStates, drain, endpointIds, tellJob } from './deliveries.ts';

let database: TestDatabase;
let egress: Egress;
let tenantId = 0;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

beforeEach(async () => {
  tenantId = await addTenant(database.db);
});

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) await close();
});

afterAll(async () => {
  await egress.close();
  await database.drop();
});

const startSink = async (
  ...answer: ConstructorParameters<typeof CallbackSink>
): Promise<CallbackSink> => {
  const sink = await new CallbackSink(...answer).start();
  closing.push(() => sink.close());
  return sink;
};

const deps = (retryWaitsSeconds: readonly number[] = [600]) => ({
  db: database.db,
  egress,
  retryWaitsSeconds,
});

const onlyEndpoint = async (): Promise<number> =>
  (await endpointIds(database.db, tenantId))[0] ?? 0;

/** The waits of streams and breaker have passed. */
async function letTimePass(): Promise<void> {
  await sql`UPDATE endpoints SET closed_until = now() WHERE tenant_id = ${tenantId}`.execute(
    database.db,
  );
  await sql`UPDATE streams SET due_at = least(due_at, now())
            WHERE endpoint_id IN (SELECT id FROM endpoints WHERE tenant_id = ${tenantId})`.execute(
    database.db,
  );
}

test('a receiver that was down for long gets everything once it is up, in order, nothing lost', async () => {
  const { db } = database;
  let isDown = true;
  const sink = await startSink(() => (isDown ? 'drop' : 200));
  const url = sink.url();
  const jobs = await Promise.all(Array.from({ length: 20 }, () => addJob(db, tenantId, [url])));
  for (const jobId of jobs) await tellJob(db, jobId, 2);
  const endpointId = await onlyEndpoint();
  const waits = Array.from({ length: 9 }, () => 600);
  // the first look opens the breaker; then one probe at a time
  await drain(deps(waits), endpointId);
  const opening = sink.requests.length;
  for (let probe = 1; probe <= 5; probe++) {
    await letTimePass();
    await drain(deps(waits), endpointId);
    expect(sink.requests).toHaveLength(opening + probe);
  }
  isDown = false;
  await letTimePass();
  await drain(deps(waits), endpointId);
  await letTimePass();
  await drain(deps(waits), endpointId);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 100 });
  for (const jobId of jobs) {
    expect(sink.delivered(jobId)).toHaveLength(5);
    expect(orderFaults(sink.delivered(jobId))).toEqual([]);
  }
});

test('twenty endpoints have everything while another one hangs', async () => {
  const { db } = database;
  const hung = await startSink(() => 'hang');
  const healthy = await Promise.all(Array.from({ length: 20 }, () => startSink()));
  for (let at = 0; at < 20; at++) {
    await tellJob(db, await addJob(db, tenantId, [hung.url()]), 5);
  }
  const jobs = await Promise.all(healthy.map((sink) => addJob(db, tenantId, [sink.url()])));
  await Promise.all(jobs.map((jobId) => tellJob(db, jobId, 5)));
  const stop = new AbortController();
  const [first = 0, ...others] = await endpointIds(db, tenantId);
  const hanging = drain(deps(), first, stop.signal).catch(() => 'stopped');
  await expect.poll(() => hung.requests.length).toBe(4);
  await Promise.all(others.map((id) => drain(deps(), id)));
  healthy.forEach((sink, at) => expect(sink.delivered(jobs[at] ?? 0)).toHaveLength(11));
  // the four are still there, and no fifth has been sent
  expect(hung.requests).toHaveLength(4);
  stop.abort();
  expect(await hanging).toBe('stopped');
});

test('a name service that is down here is charged to nobody: no attempt, no breaker', async () => {
  const { db } = database;
  const sink = await startSink();
  let isAway = true;
  const lookup: LookupFunction = (host, _options, done) => {
    if (isAway) done(Object.assign(new Error(host), { code: 'EAI_AGAIN' }), '', 0);
    else done(null, [{ address: '127.0.0.1', family: 4 }] as never, 4);
  };
  const own = createEgress({ lookup });
  closing.push(() => own.close());
  const url = sink.url().replace('127.0.0.1', 'receiver.example');
  for (let at = 0; at < 3; at++) await tellJob(db, await addJob(db, tenantId, [url]), 1);
  const endpointId = await onlyEndpoint();
  for (let at = 0; at < 5; at++) {
    const result = await drain({ ...deps(), egress: own }, endpointId);
    expect(result).toMatchObject({ pendingStreams: 3, failures: 0, probeSeconds: 0 });
    await letTimePass();
  }
  const { rows } = await sql<{ charged: number }>`
    SELECT sum(attempts) AS charged FROM deliveries JOIN streams ON streams.id = stream_id
    WHERE endpoint_id = ${endpointId}`.execute(db);
  expect(Number(rows[0]?.charged)).toBe(0);
  isAway = false;
  await drain({ ...deps(), egress: own }, endpointId);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 9 });
});

test('with 10,000 pending, through two restarts, no more than four connections are open at a time', async () => {
  const { db } = database;
  let inFlight = 0;
  let mostInFlight = 0;
  let served = 0;
  const sockets = new Set<Socket>();
  let mostSockets = 0;
  const server: Server = createServer((request, response) => {
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    request.resume().on('end', () => {
      setTimeout(() => {
        inFlight -= 1;
        served += 1;
        response.end();
      }, 1);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    mostSockets = Math.max(mostSockets, sockets.size);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const jobs: number[] = [];
  for (let at = 0; at < 400; at++) jobs.push(await addJob(db, tenantId, [url]));
  // 24 events and the end of each
  await sql`
    WITH event AS (
      INSERT INTO events (job_id, task_number, is_end, body)
      SELECT job_id, n, false, '{}' FROM unnest(${jobs}::bigint[]) AS job_id, generate_series(1, 25) n
      RETURNING id, job_id
    ), due AS (UPDATE streams SET due_at = now() WHERE job_id = ANY (${jobs}::bigint[]))
    INSERT INTO deliveries (stream_id, event_id)
    SELECT streams.id, event.id FROM event JOIN streams USING (job_id)`.execute(db);
  expect(await countStates(db, tenantId)).toEqual({ pending: 10_000 });
  const endpointId = await onlyEndpoint();
  for (let restart = 1; restart <= 3; restart++) {
    const stop = new AbortController();
    const before = served;
    const own = createEgress();
    const drained = drain({ ...deps(), egress: own }, endpointId, stop.signal).catch(() => 0);
    await expect.poll(() => served - before, { timeout: 15_000 }).toBeGreaterThan(300);
    stop.abort();
    await drained;
    await own.close();
    await letTimePass();
  }
  expect(mostInFlight).toBe(4);
  expect(mostSockets).toBeLessThanOrEqual(4);
});

test('a sender whose clock is a day ahead gives nothing up early and waits as long as the others', async () => {
  const { db } = database;
  const sink = await startSink(() => 503);
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  const endpointId = await onlyEndpoint();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
  const ahead = await drain(deps([600, 600]), endpointId);
  expect(ahead.nextDueSeconds).toBeGreaterThan(400);
  expect(ahead.nextDueSeconds).toBeLessThan(800);
  for (let at = 0; at < 3; at++) await drain(deps([600, 600]), endpointId);
  vi.useRealTimers();
  await drain(deps([600, 600]), endpointId);
  expect(sink.requests).toHaveLength(1);
  expect(await countStates(db, tenantId)).toEqual({ pending: 1 });
});
