import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitJobs } from '../../../src/store/admission.ts';
import { closeDb, createDb, type Db } from '../../../src/store/db.ts';
import { claimStreams } from '../../../src/store/deliveries.ts';
import { claimIdleEndpoints } from '../../../src/store/endpoints.ts';
import { insertTaskEvents, type NewTaskEvent } from '../../../src/store/events.ts';
import { finishJob } from '../../../src/store/finish.ts';
import { getJob, insertJob } from '../../../src/store/jobs.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { migrate, pendingMigrations } from '../../../src/store/migrate.ts';
import { claimOutbox, postponeOutbox, settleOutbox } from '../../../src/store/outbox.ts';
import { claimTask, lockOwnedTask } from '../../../src/store/tasks.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addAnotherTenant } from '../../helpers/tenant.ts';

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});

afterAll(() => database.drop());

const newTenant = (settings: Record<string, number> = {}): Promise<number> =>
  addAnotherTenant(db, settings);

const submit = (tenantId: number, priority = 5, urls: readonly string[] = []): Promise<number> =>
  insertJob(db, {
    tenantId,
    workflow: 'vodstream',
    contentId: 'c',
    priority,
    state: 'queued',
    parameters: '{}',
    customData: null,
    runAt: null,
    semaphoreUrl: null,
    isPersistent: false,
    searchText: 'c',
    notes: [{ severity: 'INFO', message: 'accepted' }],
    callbackUrls: urls.map((url) => ({ url, origin: new URL(url).origin })),
  });

const finish = (jobId: number): Promise<boolean> =>
  finishJob(db, { jobId, isFailed: false, reason: '', timeMs: Date.now(), events: [] });

const event = (
  jobId: number,
  taskNumber: number,
  name: NewTaskEvent['event'],
  message = '',
): NewTaskEvent => ({
  taskNumber,
  taskId: jobId * 1000 + taskNumber,
  taskName: 'package',
  event: name,
  message,
  body: JSON.stringify({ jobId, taskNumber, name }),
  timeMs: Date.now(),
  logMessage: name,
});

test('several processes may migrate at once; one works', async () => {
  const empty = await createTestDatabase();
  const pools = [1, 2, 3].map(() =>
    createDb({ url: empty.url, poolSize: 2, applicationName: 'test', onError: () => undefined }),
  );
  await Promise.all(pools.map((pool) => migrate(pool)));
  expect(await pendingMigrations(empty.db)).toEqual([]);
  await Promise.all(pools.map(closeDb));
  await empty.drop();
});

test('jobs start by priority, then in order of submission, max_jobs at most', async () => {
  const tenant = await newTenant();
  const jobs = [
    await submit(tenant, 5),
    await submit(tenant, 1),
    await submit(tenant, 5),
    await submit(tenant, 1),
  ];
  expect(await admitJobs(db, tenant)).toEqual([jobs[1], jobs[3]]);
  expect(await admitJobs(db, tenant)).toEqual([]);
  await finish(jobs[1] ?? 0);
  expect((await getJob(db, jobs[0] ?? 0))?.state).toBe('started');
});

test('reserved slots are used by priority jobs only', async () => {
  const tenant = await newTenant({ max_jobs: 3, priority_slots: 1, priority_threshold: 3 });
  const ordinary = [await submit(tenant, 5), await submit(tenant, 5), await submit(tenant, 5)];
  expect(await admitJobs(db, tenant)).toEqual(ordinary.slice(0, 2));
  const urgent = await submit(tenant, 3);
  expect(await admitJobs(db, tenant)).toEqual([urgent]);
});

test('admissions and ends at once never exceed max_jobs, and every job ends once', async () => {
  const tenant = await newTenant({ max_jobs: 4 });
  const waiting = new Set(await Promise.all(Array.from({ length: 60 }, () => submit(tenant))));
  const started: number[] = [];
  let most = 0;
  await Promise.all(Array.from({ length: 5 }, () => admitJobs(db, tenant)));
  while (waiting.size > 0) {
    const entries = (await claimOutbox(db, 100)).filter((one) => waiting.has(one.jobId));
    for (const entry of entries) {
      await settleOutbox(db, entry);
      started.push(entry.jobId);
      waiting.delete(entry.jobId);
    }
    most = Math.max(most, entries.length);
    // twice at once, as after a lost answer, with admissions in between
    const ends = await Promise.all(
      entries.flatMap((entry) => [finish(entry.jobId), admitJobs(db, tenant), finish(entry.jobId)]),
    );
    expect(ends.filter((end) => end === true)).toHaveLength(entries.length);
  }
  expect(most).toBeLessThanOrEqual(4);
  expect(new Set(started).size).toBe(60);
  expect(started).toEqual([...started].sort((a, b) => a - b));
});

test('an outbox entry that a dispatcher died with, or postponed, is due again', async () => {
  const tenant = await newTenant();
  const jobId = await submit(tenant);
  await admitJobs(db, tenant);
  const [entry] = (await claimOutbox(db, 100)).filter((one) => one.jobId === jobId);
  expect((await claimOutbox(db, 100)).some((one) => one.jobId === jobId)).toBe(false);
  if (entry === undefined) throw new Error('no entry');
  await postponeOutbox(db, entry, 'Temporal is down', 0);
  const [again] = (await claimOutbox(db, 100)).filter((one) => one.jobId === jobId);
  expect(again?.attempts).toBe(2);
});

test('recording an event again tells nothing twice, and a task has one outcome', async () => {
  const tenant = await newTenant();
  const jobId = await submit(tenant, 5, ['http://127.0.0.1:1/a', 'http://127.0.0.1:1/b']);
  await admitJobs(db, tenant);
  for (let tries = 0; tries < 2; tries++)
    await insertTaskEvents(db, jobId, [event(jobId, 1, 'start')]);
  await insertTaskEvents(db, jobId, [event(jobId, 1, 'complete')]);
  await insertTaskEvents(db, jobId, [event(jobId, 1, 'fail', 'too late')]);
  const messages = (await listLogs(db, jobId, { withInvisible: true })).map((row) => row.message);
  expect(messages).toEqual(['accepted', 'start', 'complete']);
  const job = await getJob(db, jobId);
  const [endpoint] = (await claimIdleEndpoints(db, 100)).filter(
    (one) => one.tenant === job?.tenant,
  );
  expect(await claimIdleEndpoints(db, 100)).toEqual([]);
  const streams = await claimStreams(db, endpoint?.endpointId ?? 0, 10, 30, true);
  expect(streams.map((one) => one.url).sort()).toEqual([
    'http://127.0.0.1:1/a',
    'http://127.0.0.1:1/b',
  ]);
  expect(await claimStreams(db, endpoint?.endpointId ?? 0, 10, 30, true)).toEqual([]);
});

test('an older attempt of a task, or one of a job that has ended, may not write', async () => {
  const tenant = await newTenant();
  const jobId = await submit(tenant);
  await admitJobs(db, tenant);
  await insertTaskEvents(db, jobId, [event(jobId, 1, 'start')]);
  const attempt = (number: number, runId = 'run') => ({
    jobId,
    taskNumber: 1,
    runId,
    attempt: number,
  });
  expect(await claimTask(db, attempt(1))).toBe(true);
  expect(await claimTask(db, attempt(3))).toBe(true);
  expect(await claimTask(db, attempt(2))).toBe(false);
  expect(await lockOwnedTask(db, attempt(1))).toBe(false);
  expect(await lockOwnedTask(db, attempt(3))).toBe(true);
  await finish(jobId);
  expect(await claimTask(db, attempt(4))).toBe(false);
});
