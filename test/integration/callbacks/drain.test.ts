import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { type Db, inTransaction } from '../../../src/store/db.ts';
import { claimStreams, releaseStream } from '../../../src/store/deliveries.ts';
import { claimIdleEndpoints } from '../../../src/store/endpoints.ts';
import { insertTaskEvents } from '../../../src/store/events.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { CallbackSink, orderFaults } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import {
  addJob,
  addTenant,
  countStates,
  drain,
  endpointIds,
  taskEvent,
  tellJob,
} from './deliveries.ts';

/** Short waits, many of them: what is tested is not how long they are. */
const WAITS = Array.from({ length: 30 }, () => 0.02);

let database: TestDatabase;
let egress: Egress;
let tenantId = 0;
let sink: CallbackSink | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

beforeEach(async () => {
  tenantId = await addTenant(database.db);
});

afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

afterAll(async () => {
  await egress.close();
  await database.drop();
});

const deps = (retryWaitsSeconds: readonly number[] = WAITS) => ({
  db: database.db,
  egress,
  retryWaitsSeconds,
});

/** The time of the next probe has come. */
async function openForProbe(endpointId: number): Promise<void> {
  await sql`UPDATE endpoints SET closed_until = now() WHERE id = ${endpointId}`.execute(
    database.db,
  );
}

async function onlyEndpoint(): Promise<number> {
  const [id] = await endpointIds(database.db, tenantId);
  if (id === undefined) throw new Error('no endpoint');
  return id;
}

/** Makes every claim of the tenant run out, as 30 s of silence would. */
async function expireClaims(db: Db = database.db): Promise<void> {
  await sql`
    UPDATE streams SET claimed_until = now() - interval '1 s'
    WHERE claimed_until > now() AND endpoint_id IN (SELECT id FROM endpoints WHERE tenant_id = ${tenantId})`.execute(
    db,
  );
}

test('30 jobs to two URLs of a receiver that fails 30 %: everything arrives, in order, once', async () => {
  const { db } = database;
  let at = 0;
  // 3 of 10, in an order that a stream cannot fall into step with; some get no answer at all
  sink = await new CallbackSink(() => {
    const draw = (at++ * 7919) % 101;
    if (draw < 25) return 503;
    return draw < 30 ? 'drop' : 200;
  }).start();
  const urls = [sink.url('/a'), sink.url('/b')];
  const jobs = await Promise.all(Array.from({ length: 30 }, () => addJob(db, tenantId, urls)));
  await Promise.all(jobs.map((jobId) => tellJob(db, jobId, 4)));
  const result = await drain(deps(), await onlyEndpoint());
  expect(result).toMatchObject({ pendingStreams: 0, nextDueSeconds: null });
  expect(result.lastFailure).toMatch(/^answered 503|^reset: /);
  for (const jobId of jobs) {
    for (const path of ['/a', '/b']) {
      const bodies = sink.delivered(jobId, path);
      expect(orderFaults(bodies)).toEqual([]);
      expect(bodies).toHaveLength(9);
    }
  }
  const { rows } = await sql<{ count: number }>`SELECT count(*) FROM delivery_attempts`.execute(db);
  expect(rows[0]?.count).toBe(sink.requests.length);
});

test('events told while a drain is at work are sent by it, after those told before', async () => {
  const { db } = database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, tenantId, [sink.url()]);
  const [result] = await Promise.all([drain(deps(), await onlyEndpoint()), tellJob(db, jobId, 20)]);
  expect(result.pendingStreams).toBe(0);
  expect(sink.delivered(jobId)).toHaveLength(41);
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('a sender that is stopped repeats at most what it had in flight', async () => {
  const { db } = database;
  const stop = new AbortController();
  let isHanging = true;
  sink = await new CallbackSink().start();
  const inner = egress;
  let sent = 0;
  // the fifth request reaches the receiver, but its sender is stopped before it learns so
  const cut: Egress = {
    close: () => Promise.resolve(),
    postJson: async (request) => {
      const result = await inner.postJson({ ...request, signal: new AbortController().signal });
      sent += 1;
      if (isHanging && sent === 5) {
        isHanging = false;
        stop.abort();
      }
      request.signal?.throwIfAborted();
      return result;
    },
  };
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 5);
  const endpointId = await onlyEndpoint();
  await expect(drain({ ...deps(), egress: cut }, endpointId, stop.signal)).rejects.toThrow(
    'aborted',
  );
  // stopped: the stream is free at once, without waiting for its claim to run out
  const result = await drain(deps(), endpointId);
  expect(result.pendingStreams).toBe(0);
  expect(sink.requests).toHaveLength(12);
  const texts = sink.requests.map((one) => one.text);
  expect(new Set(texts).size).toBe(11);
  expect(texts[4]).toBe(texts[5]);
});

test('what a dead sender held is left alone until its claim has run out, then sent', async () => {
  const { db } = database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  const endpointId = await onlyEndpoint();
  expect(await claimStreams(db, endpointId, 4, 30, true)).toHaveLength(1);
  const early = await drain(deps(), endpointId);
  expect(sink.requests).toHaveLength(0);
  expect(early.pendingStreams).toBe(1);
  expect(early.nextDueSeconds).toBeGreaterThan(20);
  await expireClaims();
  expect((await drain(deps(), endpointId)).pendingStreams).toBe(0);
  expect(sink.delivered(jobId)).toHaveLength(3);
});

test('a sender that wakes after its claim ran out sends nothing more and frees nothing', async () => {
  const { db } = database;
  let other: readonly { readonly streamId: number; readonly claim: string }[] = [];
  sink = await new CallbackSink().start();
  const frozen: Egress = {
    close: () => Promise.resolve(),
    postJson: async (request) => {
      const result = await egress.postJson(request);
      if (other.length === 0) {
        // while it sleeps its claim runs out and another sender takes the stream, before this drain can again
        const endpointId = await onlyEndpoint();
        other = await inTransaction(db, async (transaction) => {
          await expireClaims(transaction);
          return claimStreams(transaction, endpointId, 4, 30, true);
        });
      }
      return result;
    },
  };
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 3);
  const endpointId = await onlyEndpoint();
  const woken = await drain({ ...deps(), egress: frozen }, endpointId);
  expect(other).toHaveLength(1);
  expect(sink.requests).toHaveLength(1);
  expect(woken.pendingStreams).toBe(1);
  // what it had in flight succeeded, and that counts: nothing is sent twice
  const [stream] = other;
  if (stream === undefined) throw new Error('not claimed');
  await releaseStream(db, stream, undefined);
  await drain(deps(), endpointId);
  expect(sink.delivered(jobId)).toHaveLength(7);
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('a claim that another has followed frees nothing', async () => {
  const { db } = database;
  const jobId = await addJob(db, tenantId, ['http://127.0.0.1:9999/']);
  await tellJob(db, jobId, 1);
  const endpointId = await onlyEndpoint();
  const [stale] = await claimStreams(db, endpointId, 1, 30, true);
  await expireClaims();
  const [current] = await claimStreams(db, endpointId, 1, 30, true);
  if (stale === undefined || current === undefined) throw new Error('not claimed');
  await releaseStream(db, stale, undefined);
  await releaseStream(db, stale, 0);
  expect(await claimStreams(db, endpointId, 1, 30, true)).toEqual([]);
  await releaseStream(db, current, 0);
  expect(await claimStreams(db, endpointId, 1, 30, true)).toHaveLength(1);
});

test('two drains of one endpoint at once send each callback once and in order', async () => {
  const { db } = database;
  sink = await new CallbackSink().start();
  const url = sink.url();
  const jobs = await Promise.all(Array.from({ length: 10 }, () => addJob(db, tenantId, [url])));
  await Promise.all(jobs.map((jobId) => tellJob(db, jobId, 3)));
  const endpointId = await onlyEndpoint();
  await Promise.all([drain(deps(), endpointId), drain(deps(), endpointId)]);
  expect(sink.requests).toHaveLength(70);
  for (const jobId of jobs) expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('every status but 2xx, redirects too, is a failure that is tried again and told in the log', async () => {
  const { db } = database;
  const statuses = [301, 302, 303, 307, 308, 400, 401, 404, 418, 429, 500, 502, 503, 599];
  const failed = new Set<string>();
  sink = await new CallbackSink(({ path }) => {
    if (failed.has(path)) return 204;
    failed.add(path);
    return Number(path.slice(1));
  }).start();
  const jobs = new Map<number, number>();
  for (const status of statuses) {
    const jobId = await addJob(db, tenantId, [sink.url(`/${status}`)]);
    await tellJob(db, jobId, 0);
    jobs.set(status, jobId);
  }
  await drain(deps(), await onlyEndpoint());
  expect(await countStates(db, tenantId)).toEqual({ delivered: statuses.length });
  for (const [status, jobId] of jobs) {
    const answers = sink.requests.filter((one) => one.path === `/${status}`);
    expect(answers.map((one) => one.status)).toEqual([status, 204]);
    const rows = await listLogs(db, jobId, { withInvisible: false });
    expect(rows.map((row) => [row.severity, row.progname])).toEqual([['WARN', 'callback']]);
    expect(rows[0]?.message).toContain(`answered ${status}`);
  }
});

test('a schedule that is used up gives one event up, says so, and goes on with the next', async () => {
  const { db } = database;
  sink = await new CallbackSink(({ body }) => (body['event'] === 'start' ? 500 : 200)).start();
  const jobId = await addJob(db, tenantId, [`${sink.url()}?token=hush`]);
  await tellJob(db, jobId, 1);
  const result = await drain(deps([0.02, 0.02]), await onlyEndpoint());
  expect(result).toMatchObject({ pendingStreams: 0, lastFailure: 'answered 500' });
  expect(sink.requests.map((one) => one.status)).toEqual([500, 500, 500, 200, 200]);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 2, exhausted: 1 });
  const logs = await listLogs(db, jobId, { withInvisible: false });
  const errors = logs.filter((row) => row.severity === 'ERROR');
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toContain('given up after 3 attempts: answered 500');
  expect(logs.map((row) => row.message).join()).not.toContain('hush');
});

test('an address that is not allowed fails its attempts and holds nothing up', async () => {
  const { db } = database;
  tenantId = await addTenant(db, []);
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  const result = await drain(deps([0.02]), await onlyEndpoint());
  expect(result.pendingStreams).toBe(0);
  expect(result.lastFailure).toMatch(/^blocked: /);
  expect(sink.requests).toHaveLength(0);
  expect(await countStates(db, tenantId)).toEqual({ exhausted: 3 });
});

test('a URL that hangs delays no other URL of its endpoint, and is told when it is next due', async () => {
  const { db } = database;
  const inner = egress;
  sink = await new CallbackSink().start();
  // the time limit of a hung request, compressed from 15 s to 1 s
  const slow: Egress = {
    close: () => Promise.resolve(),
    postJson: (request) =>
      request.url.endsWith('/hangs')
        ? new Promise((resolve) =>
            setTimeout(
              () => resolve({ kind: 'failed', failure: 'timeout', message: 'no answer in time' }),
              1000,
            ),
          )
        : inner.postJson(request),
  };
  const hung = await addJob(db, tenantId, [sink.url('/hangs'), sink.url('/fine')]);
  const others = await Promise.all(
    Array.from({ length: 20 }, () => addJob(db, tenantId, [sink?.url('/fine') ?? ''])),
  );
  await tellJob(db, hung, 5);
  await Promise.all(others.map((jobId) => tellJob(db, jobId, 5)));
  const startedAt = performance.now();
  const drained = drain({ ...deps([600]), egress: slow }, await onlyEndpoint());
  while (sink.requests.length < 21 * 11 && performance.now() - startedAt < 5000) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const tookMs = performance.now() - startedAt;
  expect(sink.requests).toHaveLength(21 * 11);
  expect(tookMs).toBeLessThan(3000);
  const result = await drained;
  expect(result.pendingStreams).toBe(1);
  expect(result.nextDueSeconds).toBeGreaterThan(400);
});

test('410 stops the callbacks of that job to that URL, and of no other', async () => {
  const { db } = database;
  sink = await new CallbackSink(({ path, body }) =>
    path === '/gone' && body['task_id'] !== undefined && String(body['task_id']).endsWith('002')
      ? 410
      : 200,
  ).start();
  const urls = [sink.url('/gone'), sink.url('/here')];
  const [first, second] = [await addJob(db, tenantId, urls), await addJob(db, tenantId, urls)];
  await tellJob(db, first, 3);
  await drain(deps(), await onlyEndpoint());
  expect(sink.requests.filter((one) => one.path === '/gone').map((one) => one.status)).toEqual([
    200, 200, 410,
  ]);
  expect(sink.delivered(first, '/here')).toHaveLength(7);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 9, stopped: 5 });

  // told later, for the job that was stopped and for another one
  await insertTaskEvents(db, first, [taskEvent(first, 4)]);
  await insertTaskEvents(db, second, [taskEvent(second, 1)]);
  await drain(deps(), await onlyEndpoint());
  expect(sink.delivered(first, '/gone')).toHaveLength(2);
  expect(sink.delivered(second, '/gone')).toHaveLength(1);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 12, stopped: 6 });
});

test('an event that is refused three times is parked, and the next go on', async () => {
  const { db } = database;
  sink = await new CallbackSink(({ body }) => (body['event'] === 'start' ? 422 : 200)).start();
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  await drain(deps(), await onlyEndpoint());
  expect(sink.requests.map((one) => one.status)).toEqual([422, 422, 422, 200, 200]);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 2, parked: 1 });
  const errors = (await listLogs(db, jobId, { withInvisible: false })).filter(
    (row) => row.severity === 'ERROR',
  );
  expect(errors.map((row) => row.message)).toEqual([
    expect.stringContaining('parked, refused 3 times: answered 422'),
  ]);
});

test('ten failures in a row open the breaker: one probe at a time, and an answer closes it', async () => {
  const { db } = database;
  let isDown = true;
  sink = await new CallbackSink(() => (isDown ? 503 : 200)).start();
  const url = sink.url();
  const jobs = await Promise.all(Array.from({ length: 30 }, () => addJob(db, tenantId, [url])));
  for (const jobId of jobs) await tellJob(db, jobId, 1);
  const endpointId = await onlyEndpoint();
  const down = await drain(deps([600, 600]), endpointId);
  // those that were under way when it opened may still fail
  expect(sink.requests.length).toBeGreaterThanOrEqual(10);
  expect(sink.requests.length).toBeLessThanOrEqual(13);
  expect(down).toMatchObject({ probeSeconds: 30 });
  expect(down.nextDueSeconds).toBeGreaterThan(20);
  expect(down.nextDueSeconds).toBeLessThanOrEqual(30);
  expect(await claimIdleEndpoints(db, 100)).toEqual([]);

  const before = sink.requests.length;
  await openForProbe(endpointId);
  expect(await drain(deps([600, 600]), endpointId)).toMatchObject({ probeSeconds: 60 });
  expect(sink.requests.length).toBe(before + 1);

  isDown = false;
  await openForProbe(endpointId);
  const up = await drain(deps([600, 600]), endpointId);
  expect(up).toMatchObject({ probeSeconds: 0, failures: 0 });
  // what had not been tried yet kept all its attempts; what had been waits for its next
  const whole = jobs.filter((jobId) => sink?.delivered(jobId).length === 3);
  expect(whole.length).toBe(30 - before - 1);
});

test('what is prevented on this side costs no attempt and opens no breaker', async () => {
  const { db } = database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 0);
  const offline: Egress = {
    close: () => Promise.resolve(),
    postJson: () =>
      Promise.resolve({ kind: 'failed', failure: 'offline', message: 'no name service' }),
  };
  for (let at = 0; at < 3; at++) {
    const result = await drain({ ...deps([600]), egress: offline }, await onlyEndpoint());
    expect(result).toMatchObject({ failures: 0, probeSeconds: 0 });
    await sql`UPDATE streams SET due_at = now() WHERE job_id = ${jobId}`.execute(db);
  }
  await drain(deps([600]), await onlyEndpoint());
  expect(sink.delivered(jobId)).toHaveLength(1);
});

test('a request carries the id of its event, the same at every attempt and for every URL', async () => {
  const { db } = database;
  const ids = new Map<string, Set<string>>();
  let failures = 0;
  sink = await new CallbackSink(({ text, headers }) => {
    const key = text;
    ids.set(key, (ids.get(key) ?? new Set()).add(String(headers['webhook-id'])));
    return failures++ % 3 === 0 ? 500 : 200;
  }).start();
  const jobId = await addJob(db, tenantId, [sink.url('/a'), sink.url('/b')]);
  await tellJob(db, jobId, 1);
  await drain(deps(), await onlyEndpoint());
  expect([...ids.values()].map((one) => [...one].join())).toEqual([
    `te_${jobId}_1_start`,
    `te_${jobId}_1_end`,
    `te_${jobId}_job_end`,
  ]);
});

test('Retry-After puts the next attempt off', async () => {
  const { db } = database;
  sink = await new CallbackSink().start();
  const asking: Egress = {
    close: () => Promise.resolve(),
    postJson: () =>
      Promise.resolve({ kind: 'answered', status: 503, answer: 'busy', retryAfter: '120' }),
  };
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 0);
  const result = await drain({ ...deps(), egress: asking }, await onlyEndpoint());
  expect(result.nextDueSeconds).toBeGreaterThan(110);
  expect(result.nextDueSeconds).toBeLessThanOrEqual(120);
});
