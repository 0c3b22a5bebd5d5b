import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { HealthJson } from '../../src/contract/health.ts';
import { JOB_STATES, type JobState } from '../../src/domain/job-state.ts';
import { inTransaction } from '../../src/store/db.ts';
import { putSetting } from '../../src/store/settings.ts';
import { reportStopped, reportWorkers } from '../../src/store/worker-status.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});

afterAll(() => api.stop());

/** What `GET /health` says of a new app, which has asked nothing yet. */
async function health(headers: Record<string, string> = ACME): Promise<HealthJson> {
  const response = await createApp(api.deps).request('/health', { headers });
  expect(response.status).toBe(200);
  return HealthJson.parse(await response.json());
}

const probe = async (path: string, deps = api.deps) => {
  const response = await createApp(deps).request(path);
  return { status: response.status, json: (await response.json()) as unknown };
};

/** Makes a job of a tenant and puts it into a state. */
async function jobIn(state: JobState, failed = false, headers = ACME): Promise<number> {
  const { json } = await api.send('POST', '/job', submission(), headers);
  await sql`UPDATE jobs SET queue_state = ${JOB_STATES[state]}, failed = ${failed}
            WHERE id = ${json.id}`.execute(api.database.db);
  return json.id;
}

describe('GET /health', () => {
  test('says "OK" of each database while all are up, and the version', async () => {
    const { databases, version } = await health();
    expect(databases).toEqual({ postgres: 'OK', temporal: 'OK', storage: 'OK' });
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('counts jobs by state, completed ones with the failed among them', async () => {
    const before = (await health()).jobs;
    await jobIn('completed');
    await jobIn('completed', true);
    await jobIn('broken', true);
    await jobIn('paused');
    await jobIn('scheduled');
    await jobIn('started');
    // last: the next submission would give it a slot
    await jobIn('queued');
    const { jobs } = await health();
    const more = Object.fromEntries(
      Object.entries(jobs).map(([name, count]) => [
        name,
        (count ?? 0) - (before[name as keyof typeof jobs] ?? 0),
      ]),
    );
    expect(more).toEqual({
      completed: 2,
      failed: 2,
      broken: 1,
      paused: 1,
      scheduled: 1,
      pending: 0,
      queued: 1,
      started: 1,
      max_jobs: 0,
      priority_slots: 0,
    });
  });

  test("counts the client's own jobs and tasks only, and tells its own settings", async () => {
    const before = await health(OTHER);
    await jobIn('completed');
    await putSetting(api.database.db, 1, 'max_jobs', '7');
    await putSetting(api.database.db, 1, 'priority_slots', '3');
    const after = await health(OTHER);
    expect([after.jobs, after.tasks]).toEqual([before.jobs, before.tasks]);
    expect(after.jobs).toMatchObject({ max_jobs: 2, priority_slots: 0 });
    expect((await health()).jobs).toMatchObject({ max_jobs: 7, priority_slots: 3 });
  });

  test('counts tasks that failed, that are pending and that were processed, cleared jobs’ too', async () => {
    const { db } = api.database;
    const before = (await health()).tasks;
    const jobId = await jobIn('started');
    const task = (number: number, event: string, isEnded: boolean) => sql`
      INSERT INTO tasks (job_id, number, name, event, started_at, ended_at)
      VALUES (${jobId}, ${number}, 'package', ${event}, now(), CASE WHEN ${isEnded} THEN now() END)`;
    for (const one of [task(1, 'complete', true), task(2, 'fail', true), task(3, 'start', false)]) {
      await one.execute(db);
    }
    const more = async () => {
      const { tasks } = await health();
      return {
        failed: (tasks.failed ?? 0) - (before.failed ?? 0),
        pending: (tasks.pending ?? 0) - (before.pending ?? 0),
        processed: (tasks.processed ?? 0) - (before.processed ?? 0),
      };
    };
    expect(await more()).toEqual({ failed: 1, pending: 1, processed: 2 });
    await sql`UPDATE tasks SET event = 'fail', ended_at = now() WHERE job_id = ${jobId} AND number = 3`.execute(
      db,
    );
    expect(await more()).toEqual({ failed: 2, pending: 0, processed: 3 });
    await sql`DELETE FROM jobs WHERE id = ${jobId}`.execute(db);
    expect(await more()).toEqual({ failed: 2, pending: 0, processed: 3 });
  });

  test('tells of every queue its workers, what they do and what waits', async () => {
    const { db } = api.database;
    const idle = { workers: 0, working: 0, pending: 0 };
    expect((await health()).queues).toEqual({
      controller: idle,
      work: idle,
      capture: idle,
      callback: idle,
      scheduler: idle,
    });
    await reportWorkers(db, [
      { identity: 'host/1@work', queue: 'work', working: 3 },
      { identity: 'host/2@work', queue: 'work', working: 1 },
    ]);
    expect((await health()).queues['work']).toMatchObject({ workers: 2, working: 4 });
    await reportStopped(db, ['host/1@work']);
    expect((await health()).queues['work']).toMatchObject({ workers: 1, working: 1 });
    await sql`UPDATE worker_status SET seen_at = now() - interval '16 seconds'`.execute(db);
    expect((await health()).queues['work']).toEqual(idle);
  });

  test('names a storage root that was given to the client and is not there, without its path', async () => {
    const { db } = api.database;
    await sql`UPDATE tenants SET input_root = '/nowhere/in' WHERE name = 'other'`.execute(db);
    const { databases } = await health(OTHER);
    expect(databases.storage).toBe('input: the root does not exist');
    await sql`UPDATE tenants SET input_root = NULL, source_storage = 'S3' WHERE name = 'other'`.execute(
      db,
    );
    expect((await health(OTHER)).databases.storage).toBe(
      'input: S3 is not configured for this client; output: S3 is not configured for this client',
    );
    await sql`UPDATE tenants SET source_storage = 'local' WHERE name = 'other'`.execute(db);
    expect((await health(OTHER)).databases.storage).toBe('OK');
  });

  test('names a Postgres that takes no writes, as a standby does', async () => {
    const { db, url } = api.database;
    const name = sql.id(new URL(url).pathname.slice(1));
    const setReadOnly = (value: 'on' | 'off') =>
      inTransaction(db, async (transaction) => {
        await sql`SET TRANSACTION READ WRITE`.execute(transaction);
        await sql`ALTER DATABASE ${name} SET default_transaction_read_only = ${sql.raw(value)}`.execute(
          transaction,
        );
      });
    await setReadOnly('on');
    try {
      expect((await health()).databases.postgres).toBe('takes no writes');
      expect((await probe('/health/ready')).json).toEqual({
        status: 'unavailable',
        reason: 'postgres: takes no writes',
      });
    } finally {
      await setReadOnly('off');
    }
    expect((await health()).databases.postgres).toBe('OK');
  });

  test('answers many at once from one look at each part', async () => {
    let looks = 0;
    const app = createApp({
      ...api.deps,
      health: {
        ...api.deps.health,
        readQueues: () => {
          looks += 1;
          return api.deps.health.readQueues();
        },
      },
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => app.request('/health', { headers: ACME })),
    );
    expect(answers.map((one) => one.status)).toEqual(Array(20).fill(200));
    expect(looks).toBe(1);
  });
});

describe('GET /health/live and /health/ready', () => {
  test('are open and say {"status":"ok"}', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      expect(await probe(path)).toEqual({ status: 200, json: { status: 'ok' } });
    }
  });

  test('ready is 503 while the schema is not up to date; live is not', async () => {
    const health = { ...api.deps.health, pendingMigrations: async () => ['0099_next'] };
    const deps = { ...api.deps, health };
    expect(await probe('/health/ready', deps)).toEqual({
      status: 503,
      json: { status: 'unavailable', reason: 'schema: is not up to date' },
    });
    expect((await probe('/health/live', deps)).status).toBe(200);
  });

  test('ready is 503 while the output root is a file', async () => {
    const root = join(api.folder, 'output');
    await rm(root, { recursive: true, force: true });
    await writeFile(root, '');
    expect(await probe('/health/ready')).toEqual({
      status: 503,
      json: { status: 'unavailable', reason: 'storage: output: the root is no folder' },
    });
    await rm(root);
    await mkdir(root);
    await chmod(root, 0o755);
    expect((await probe('/health/ready')).status).toBe(200);
  });

  test('ready does not ask Temporal: jobs are taken while it is down', async () => {
    const readQueues = () => Promise.reject(new Error('down'));
    const deps = { ...api.deps, health: { ...api.deps.health, readQueues } };
    expect((await probe('/health/ready', deps)).status).toBe(200);
  });
});
