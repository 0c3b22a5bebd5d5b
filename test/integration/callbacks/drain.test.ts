import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import type { Egress } from '../../../src/egress/egress.ts';
import { type Db, inTransaction } from '../../../src/store/db.ts';
import { claimStreams, releaseStream } from '../../../src/store/deliveries.ts';
import { CallbackSink, orderFaults } from '../../helpers/callback-sink.ts';
import { addJob, addTenant, countStates, drain, tellJob } from './deliveries.ts';
import { useCallbackScene } from './scene.ts';

const scene = useCallbackScene();

/** Short waits, many of them: what is tested is not how long they are. */
const WAITS = Array.from({ length: 30 }, () => 0.02);

let sink: CallbackSink | undefined;

afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

const deps = (retryWaitsSeconds: readonly number[] = WAITS) => ({
  db: scene.database.db,
  egress: scene.egress,
  retryWaitsSeconds,
});

/** Makes every claim of the tenant run out, as 30 s of silence would. */
async function expireClaims(db: Db = scene.database.db): Promise<void> {
  await sql`
    UPDATE streams SET claimed_until = now() - interval '1 s'
    WHERE claimed_until > now() AND endpoint_id IN (SELECT id FROM endpoints WHERE tenant_id = ${scene.tenantId})`.execute(
    db,
  );
}

test('30 jobs to two URLs of a receiver that fails 30 %: everything arrives, in order, once', async () => {
  const { db } = scene.database;
  let at = 0;
  // 3 of 10, in an order that a stream cannot fall into step with; some get no answer at all
  sink = await new CallbackSink(() => {
    const draw = (at++ * 7919) % 101;
    if (draw < 25) return 503;
    return draw < 30 ? 'drop' : 200;
  }).start();
  const urls = [sink.url('/a'), sink.url('/b')];
  const jobs = await Promise.all(
    Array.from({ length: 30 }, () => addJob(db, scene.tenantId, urls)),
  );
  await Promise.all(jobs.map((jobId) => tellJob(db, jobId, 4)));
  const result = await drain(deps(), await scene.onlyEndpoint());
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
  const { db } = scene.database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  const [result] = await Promise.all([
    drain(deps(), await scene.onlyEndpoint()),
    tellJob(db, jobId, 20),
  ]);
  expect(result.pendingStreams).toBe(0);
  expect(sink.delivered(jobId)).toHaveLength(41);
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('a sender that is stopped repeats at most what it had in flight', async () => {
  const { db } = scene.database;
  const stop = new AbortController();
  let isHanging = true;
  sink = await new CallbackSink().start();
  const inner = scene.egress;
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
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 5);
  const endpointId = await scene.onlyEndpoint();
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
  const { db } = scene.database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  const endpointId = await scene.onlyEndpoint();
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
  const { db } = scene.database;
  let other: readonly { readonly streamId: number; readonly claim: string }[] = [];
  sink = await new CallbackSink().start();
  const frozen: Egress = {
    close: () => Promise.resolve(),
    postJson: async (request) => {
      const result = await scene.egress.postJson(request);
      if (other.length === 0) {
        // while it sleeps its claim runs out and another sender takes the stream, before this drain can again
        const endpointId = await scene.onlyEndpoint();
        other = await inTransaction(db, async (transaction) => {
          await expireClaims(transaction);
          return claimStreams(transaction, endpointId, 4, 30, true);
        });
      }
      return result;
    },
  };
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 3);
  const endpointId = await scene.onlyEndpoint();
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
  const { db } = scene.database;
  const jobId = await addJob(db, scene.tenantId, ['http://127.0.0.1:9999/']);
  await tellJob(db, jobId, 1);
  const endpointId = await scene.onlyEndpoint();
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
  const { db } = scene.database;
  sink = await new CallbackSink().start();
  const url = sink.url();
  const jobs = await Promise.all(
    Array.from({ length: 10 }, () => addJob(db, scene.tenantId, [url])),
  );
  await Promise.all(jobs.map((jobId) => tellJob(db, jobId, 3)));
  const endpointId = await scene.onlyEndpoint();
  await Promise.all([drain(deps(), endpointId), drain(deps(), endpointId)]);
  expect(sink.requests).toHaveLength(70);
  for (const jobId of jobs) expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('an address that is not allowed fails its attempts and holds nothing up', async () => {
  const { db } = scene.database;
  scene.tenantId = await addTenant(db, []);
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  const result = await drain(deps([0.02]), await scene.onlyEndpoint());
  expect(result.pendingStreams).toBe(0);
  expect(result.lastFailure).toMatch(/^blocked: /);
  expect(sink.requests).toHaveLength(0);
  expect(await countStates(db, scene.tenantId)).toEqual({ exhausted: 3 });
});

test('a URL that hangs delays no other URL of its endpoint, and is told when it is next due', async () => {
  const { db } = scene.database;
  const inner = scene.egress;
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
  const hung = await addJob(db, scene.tenantId, [sink.url('/hangs'), sink.url('/fine')]);
  const others = await Promise.all(
    Array.from({ length: 20 }, () => addJob(db, scene.tenantId, [sink?.url('/fine') ?? ''])),
  );
  await tellJob(db, hung, 5);
  await Promise.all(others.map((jobId) => tellJob(db, jobId, 5)));
  const startedAt = performance.now();
  const drained = drain({ ...deps([600]), egress: slow }, await scene.onlyEndpoint());
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
