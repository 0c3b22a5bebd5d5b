import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { inTransaction } from '../../../src/store/db.ts';
import { insertTaskEvents } from '../../../src/store/events.ts';
import { finishInTransaction, finishJob } from '../../../src/store/finish.ts';
import { admitJobs } from '../../../src/store/admission.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { putSetting } from '../../../src/store/settings.ts';
import { CallbackSink, orderFaults, type SinkAnswer } from '../../helpers/callback-sink.ts';
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

let database: TestDatabase;
let egress: Egress;
let sink: CallbackSink;
let tenantId = 0;
let answer: (at: number) => SinkAnswer;

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

beforeEach(async () => {
  tenantId = await addTenant(database.db);
  answer = () => 200;
  sink = await new CallbackSink(() => answer(sink.requests.length)).start();
});

afterEach(() => sink.close());

afterAll(async () => {
  await egress.close();
  await database.drop();
});

const send = async (retryWaitsSeconds: readonly number[] = [600]) => {
  const [endpointId = 0] = await endpointIds(database.db, tenantId);
  return drain({ db: database.db, egress, retryWaitsSeconds }, endpointId);
};

/** The time has passed that a dead sender's claims and failed attempts wait for. */
const letTimePass = () =>
  sql`UPDATE streams SET claimed_until = '-infinity', due_at = least(due_at, now())
      WHERE endpoint_id IN (SELECT id FROM endpoints WHERE tenant_id = ${tenantId})`.execute(
    database.db,
  );

test.each([
  ['before-send', 0],
  ['after-send', 1],
  ['after-answer', 1],
])('a sender killed %s loses nothing and repeats %i callback', async (point, repeats) => {
  const { db } = database;
  // at the second point the third callback gets no answer from a receiver that has it
  if (point === 'after-send') answer = (at) => (at === 2 ? 'hang' : 200);
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await tellJob(db, jobId, 3);
  const [endpointId = 0] = await endpointIds(db, tenantId);
  const script = join(import.meta.dirname, 'killed-sender.ts');
  const killed = await execa(process.execPath, [script, database.url, String(endpointId), point], {
    reject: false,
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(await countStates(db, tenantId)).toEqual({ delivered: 2, pending: 5 });
  await letTimePass();
  await send();
  expect(await countStates(db, tenantId)).toEqual({ delivered: 7 });
  expect(sink.requests).toHaveLength(7 + repeats);
  const ids = sink.requests.map((one) => one.headers['webhook-id']);
  expect(new Set(ids).size).toBe(7);
  // what came twice is the third, the same bytes under the same id, right after each other
  if (repeats === 1) {
    expect(sink.requests[3]?.text).toBe(sink.requests[2]?.text);
    expect(ids[3]).toBe(ids[2]);
  }
  const first = new Map(sink.delivered(jobId).map((body) => [JSON.stringify(body), body]));
  expect(orderFaults([...first.values()])).toEqual([]);
});

test('attempts stay within the schedule over twenty restarts, each sender leaving its claims behind', async () => {
  const { db } = database;
  answer = () => 503;
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  const waits = [600, 600, 600, 600];
  for (let at = 0; at < 20; at++) {
    await sql`UPDATE streams SET claimed_until = now() + interval '30 s', due_at = least(due_at, now())
              FROM endpoints e WHERE e.id = endpoint_id AND tenant_id = ${tenantId}`.execute(db);
    await send(waits);
    await letTimePass();
    await send(waits);
  }
  expect(sink.requests).toHaveLength(waits.length + 1);
  expect(await countStates(db, tenantId)).toEqual({ exhausted: 1 });
});

test('an event and the change it tells of are there together or not at all', async () => {
  const { db } = database;
  const jobId = await addJob(db, tenantId, [sink.url()]);
  await sql`UPDATE jobs SET queue_state = 1, dispatched_at = now() WHERE id = ${jobId}`.execute(db);
  const end = { jobId, isFailed: false, reason: '', timeMs: Date.now(), events: [] };
  const lost = inTransaction(db, async (transaction) => {
    await finishInTransaction(transaction, end);
    throw new Error('the power went');
  });
  await expect(lost).rejects.toThrow('the power went');
  expect(await countStates(db, tenantId)).toEqual({});
  expect((await getJob(db, jobId))?.endedAt).toBeNull();

  // a drain that looks while the transaction is open sees nothing, and finds it afterwards
  await inTransaction(db, async (transaction) => {
    await insertTaskEvents(transaction, jobId, [taskEvent(jobId, 1)]);
    expect(await send()).toMatchObject({ pendingStreams: 0 });
    expect(sink.requests).toEqual([]);
  });
  expect(await finishJob(db, end)).toBe(true);
  expect(await finishJob(db, end)).toBe(false);
  await send();
  expect(sink.requests.map((one) => one.headers['webhook-id'])).toEqual([
    `te_${jobId}_1_start`,
    `te_${jobId}_job_end`,
  ]);
});

test('a job whose URL is dead gives its slot to the next at once', async () => {
  const { db } = database;
  answer = () => 'drop';
  await putSetting(db, tenantId, 'max_jobs', '1');
  const first = await addJob(db, tenantId, [sink.url()]);
  const second = await addJob(db, tenantId, []);
  expect(await admitJobs(db, tenantId)).toEqual([first]);
  await insertTaskEvents(db, first, [taskEvent(first, 1)]);
  await send();
  expect(sink.requests).toHaveLength(1);
  const end = { jobId: first, isFailed: false, reason: '', timeMs: Date.now(), events: [] };
  await finishJob(db, end);
  expect(await getJob(db, first)).toMatchObject({ state: 'completed', isFailed: false });
  expect(await getJob(db, second)).toMatchObject({ state: 'started' });
  expect((await countStates(db, tenantId))['pending']).toBeGreaterThan(0);
});
