import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertJobEndEvent, insertTaskEvents } from '../../../src/store/events.ts';
import { claimIdleEndpoints } from '../../../src/store/endpoints.ts';
import { CHANNELS, listen, type Listener, parseEndpointIds } from '../../../src/store/listen.ts';
import { replayDeliveries } from '../../../src/store/replay.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, endpointIds, taskEvent } from './deliveries.ts';

let database: TestDatabase;
let listener: Listener;
let tenantId = 0;
let told: (readonly number[] | undefined)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  listener = listen({
    url: database.url,
    channels: [CHANNELS.deliveries],
    onNotify: (_channel, payload) => told.push(parseEndpointIds(payload)),
  });
  // heard once it listens
  const probe = await addTenant(database.db);
  while (told.length === 0) {
    const job = await addJob(database.db, probe, ['http://127.0.0.1:9/probe']);
    await insertJobEndEvent(database.db, job, '{}');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

const replayAll = (id: number) =>
  replayDeliveries(database.db, { tenantId: id, withDelivered: true });

beforeEach(async () => {
  tenantId = await addTenant(database.db);
  await new Promise((resolve) => setTimeout(resolve, 100));
  told = [];
});

afterAll(async () => {
  await listener.close();
  await database.drop();
});

test('an event names the endpoints it goes to, each once; one without URLs names none', async () => {
  const { db } = database;
  const urls = ['http://127.0.0.1:7001/a', 'http://127.0.0.1:7001/b', 'http://127.0.0.1:7002/'];
  const jobId = await addJob(db, tenantId, urls);
  const silent = await addJob(db, tenantId, []);
  const ids = await endpointIds(db, tenantId);
  await insertTaskEvents(db, silent, [taskEvent(silent, 1)]);
  await insertTaskEvents(db, jobId, [taskEvent(jobId, 1)]);
  // the same again tells nothing
  await insertTaskEvents(db, jobId, [taskEvent(jobId, 1)]);
  await insertJobEndEvent(db, jobId, '{}');
  await expect.poll(() => told.length).toBe(2);
  const sorted = told.map((one) => [...(one ?? [])].sort((a, b) => a - b));
  expect(sorted).toEqual([ids, ids]);
});

test('a replay names none: any endpoint may have something due', async () => {
  const jobId = await addJob(database.db, tenantId, ['http://127.0.0.1:7003/']);
  await insertJobEndEvent(database.db, jobId, '{}');
  await replayAll(tenantId);
  await expect.poll(() => told.length).toBe(2);
  expect(told[1]).toBeUndefined();
});

test('of endpoints that are named only those that have something due are claimed, once', async () => {
  const { db } = database;
  const jobId = await addJob(db, tenantId, ['http://127.0.0.1:7004/', 'http://127.0.0.1:7005/']);
  const idle = await addJob(db, tenantId, ['http://127.0.0.1:7006/']);
  await insertJobEndEvent(db, jobId, '{}');
  const [first = 0, second = 0, third = 0] = await endpointIds(db, tenantId);
  expect(idle).toBeGreaterThan(0);
  const claim = async (among: readonly number[]) =>
    (await claimIdleEndpoints(db, 20, among)).map((one) => one.endpointId);
  expect(await claim([second, third])).toEqual([second]);
  expect(await claim([second, third])).toEqual([]);
  expect(await claim([first])).toEqual([first]);
});
