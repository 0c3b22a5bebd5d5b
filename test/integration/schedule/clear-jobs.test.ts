import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clearJobs } from '../../../activities/schedule/clear-jobs.ts';
import type { Db } from '../../../src/store/db.ts';
import { finishJob } from '../../../src/store/finish.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { insertTaskEvents } from '../../../src/store/events.ts';
import { putSystemSetting } from '../../../src/store/system-settings.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { LOG, newTenant, submit } from './scene.ts';

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});

afterAll(() => database.drop());

const PASS = { signal: new AbortController().signal, heartbeat: () => undefined };

const clear = (batch = 2) => clearJobs({ db, log: LOG, batch }, PASS);

const URLS = [{ url: 'http://127.0.0.1:1/a', origin: 'http://127.0.0.1:1' }];

/** A job that ended so many days ago with a task, logs and callbacks, which are all delivered. */
async function endedJob(daysAgo: number, more: Parameters<typeof submit>[2] = {}): Promise<number> {
  const jobId = await submit(db, await newTenant(db), { callbackUrls: URLS, ...more });
  await sql`UPDATE jobs SET queue_state = 1 WHERE id = ${jobId}`.execute(db);
  const event = (name: 'start' | 'complete') => ({
    taskNumber: 1,
    taskId: jobId * 1000 + 1,
    taskName: 'package',
    event: name,
    message: '',
    body: '{}',
    timeMs: Date.now(),
    logMessage: name,
  });
  await insertTaskEvents(db, jobId, [event('start')]);
  await insertTaskEvents(db, jobId, [event('complete')]);
  await finishJob(db, { jobId, isFailed: false, reason: '', timeMs: Date.now(), events: [] });
  await sql`
    WITH delivery AS (
      UPDATE deliveries SET state = 'delivered'
      WHERE stream_id IN (SELECT id FROM streams WHERE job_id = ${jobId}) RETURNING id
    ), attempt AS (
      INSERT INTO delivery_attempts (delivery_id, at, duration_ms, status)
      SELECT id, now(), 1, 200 FROM delivery
    )
    UPDATE jobs SET ended_at = now() - make_interval(secs => ${daysAgo * 86_400})
    WHERE id = ${jobId}`.execute(db);
  return jobId;
}

const isThere = async (jobId: number): Promise<boolean> => (await getJob(db, jobId)) !== undefined;

/** Rows of each table that hang on a job. */
async function countRows(): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const table of ['tasks', 'logs', 'events', 'streams', 'deliveries', 'delivery_attempts']) {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) AS count FROM ${sql.table(table)}`.execute(db);
    counts[table] = rows[0]?.count ?? 0;
  }
  return counts;
}

test('jobs go 30 days after they ended, with everything that hangs on them', async () => {
  const before = await countRows();
  const gone = [await endedJob(30.01), await endedJob(31), await endedJob(400)];
  const added = await countRows();
  expect(Object.entries(added).filter(([table, count]) => count === before[table])).toEqual([]);
  const kept = await endedJob(29.99);
  expect(await clear()).toEqual({ jobs: 3, keys: 0 });
  for (const id of gone) expect(await isThere(id)).toBe(false);
  expect(await isThere(kept)).toBe(true);
  await sql`UPDATE jobs SET ended_at = now() - interval '31 days' WHERE id = ${kept}`.execute(db);
  await clear();
  expect(await countRows()).toEqual(before);
});

test('kept are jobs with persist, jobs that have not ended and those with a callback to send', async () => {
  const persistent = await endedJob(365, { isPersistent: true });
  const pending = await endedJob(365);
  await sql`UPDATE deliveries SET state = 'pending' WHERE id = (
    SELECT max(deliveries.id) FROM deliveries JOIN streams ON streams.id = stream_id
    WHERE job_id = ${pending})`.execute(db);
  const open = await submit(db, await newTenant(db));
  await sql`UPDATE jobs SET created_at = now() - interval '1 year' WHERE id = ${open}`.execute(db);
  expect(await clear()).toEqual({ jobs: 0, keys: 0 });
  for (const id of [persistent, pending, open]) expect(await isThere(id)).toBe(true);
  await sql`UPDATE deliveries SET state = 'exhausted' WHERE state = 'pending'`.execute(db);
  expect(await clear()).toEqual({ jobs: 1, keys: 0 });
  expect(await isThere(pending)).toBe(false);
});

test('a job that runs another one again outlives it', async () => {
  const original = await endedJob(31);
  const again = await endedJob(1);
  await sql`UPDATE jobs SET rerun_of = ${original} WHERE id = ${again}`.execute(db);
  await clear();
  expect([await isThere(original), await isThere(again)]).toEqual([false, true]);
});

test('the system setting job_retention_days says how long jobs are kept', async () => {
  const old = await endedJob(8);
  const newer = await endedJob(6);
  await putSystemSetting(db, 'job_retention_days', '7');
  await clear();
  expect([await isThere(old), await isThere(newer)]).toEqual([false, true]);
  await putSystemSetting(db, 'job_retention_days', '30');
});

test('clearings at once delete each job once; one that is called off stops between batches', async () => {
  for (let at = 0; at < 30; at++) await endedJob(40);
  const stop = new AbortController();
  stop.abort();
  await expect(clearJobs({ db, log: LOG }, { ...PASS, signal: stop.signal })).rejects.toThrow(
    'aborted',
  );
  const results = await Promise.all([clear(), clear(), clear()]);
  const rest = await clear();
  expect(results.reduce((sum, result) => sum + result.jobs, rest.jobs)).toBe(30);
});

test('keys of requests go when nobody can repeat them any more', async () => {
  const tenant = await newTenant(db);
  await sql`
    INSERT INTO idempotency_keys (tenant_id, key, request_hash, created_at)
    SELECT ${tenant}, hours::text, '\\x00', now() - make_interval(hours => hours)
    FROM unnest(ARRAY[1, 23, 25, 26, 700]) AS given (hours)`.execute(db);
  expect(await clear()).toEqual({ jobs: 0, keys: 3 });
});
