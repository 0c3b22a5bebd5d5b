import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { PARALLEL_POLLS } from '../../../activities/schedule/queue-scheduled-jobs.ts';
import { createProbe, type Probe } from '../../../src/egress/probe.ts';
import type { Db } from '../../../src/store/db.ts';
import { changeJob } from '../../../src/store/job-changes.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { putSetting } from '../../../src/store/settings.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { messages, newTenant, passInterval, runPass, SemaphoreServer, submit } from './scene.ts';

let database: TestDatabase;
let db: Db;
let server: SemaphoreServer;
let probe: Probe;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});

beforeEach(async () => {
  // what an earlier test left scheduled would be looked at again
  await sql`DELETE FROM jobs`.execute(db);
  server = await new SemaphoreServer().start();
  probe = createProbe({ parallel: PARALLEL_POLLS });
});

afterEach(async () => {
  await probe.close();
  await server.close();
});

afterAll(() => database.drop());

const stateOf = async (jobId: number): Promise<string | undefined> =>
  (await getJob(db, jobId))?.state;

/** The same probe with a shorter time for each answer. */
const hurried = (timeoutMs: number): Probe => ({
  ...probe,
  getStatus: (request) => probe.getStatus({ ...request, timeoutMs }),
});

/** A tenant that starts nothing, so that what is queued stays so. */
const idleTenant = (settings: Record<string, number> = {}): Promise<number> =>
  newTenant(db, { max_jobs: 0, ...settings });

const inSeconds = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

test('a job whose run_at has come is queued, told so and started; one that lies ahead is left', async () => {
  const tenant = await newTenant(db);
  const due = await submit(db, tenant, { runAt: inSeconds(0.2) });
  const ahead = await submit(db, tenant, { runAt: inSeconds(3600) });
  expect(await stateOf(due)).toBe('scheduled');
  await delay(300);
  expect(await runPass(db, probe)).toEqual({ queued: 1, polls: 0 });
  expect([await stateOf(due), await stateOf(ahead)]).toEqual(['started', 'scheduled']);
  expect(await messages(db, due)).toEqual(['Its time has come: queued']);
});

test("Postgres' clock decides whether a run_at is past, not the one that took the job", async () => {
  const tenant = await idleTenant();
  expect(await stateOf(await submit(db, tenant, { runAt: inSeconds(-1) }))).toBe('queued');
  expect(await stateOf(await submit(db, tenant, { runAt: inSeconds(60) }))).toBe('scheduled');
});

test('2xx and 3xx open, redirects without being followed; the rest keeps the job waiting', async () => {
  const tenant = await idleTenant();
  const canary = server.says('/canary', 200);
  const job = async (path: string, status: number) => {
    const headers: Record<string, string> = status < 400 ? { location: canary } : {};
    return submit(db, tenant, { semaphoreUrl: server.says(path, status, headers) });
  };
  const open = [
    await job('/200', 200),
    await job('/204', 204),
    await job('/302', 302),
    await job('/307', 307),
  ];
  const closed = [await job('/404', 404), await job('/500', 500)];
  expect(await runPass(db, probe)).toEqual({ queued: 4, polls: 6 });
  for (const id of open) {
    expect([await stateOf(id), await messages(db, id)]).toEqual([
      'queued',
      ['Semaphore open: queued'],
    ]);
  }
  for (const id of closed) expect(await stateOf(id)).toBe('scheduled');
  expect(server.hitsOf('/canary')).toBe(0);
});

test('the log tells the first refusal and each change of the answer, not every look', async () => {
  const tenant = await idleTenant({ schedule_interval: 7 });
  const jobId = await submit(db, tenant, { semaphoreUrl: server.url('/x') });
  for (const status of [503, 503, 500, 500, 503, 204]) {
    server.says('/x', status);
    await passInterval(db);
    await runPass(db, probe);
  }
  expect(await messages(db, jobId)).toEqual([
    'Semaphore answered 503; looking again every 7 s',
    'Semaphore answered 500; looking again every 7 s',
    'Semaphore answered 503; looking again every 7 s',
    'Semaphore open: queued',
  ]);
  expect(server.hitsOf('/x')).toBe(6);
});

test("a semaphore is not looked at again before its tenant's interval has passed", async () => {
  const tenant = await idleTenant({ schedule_interval: 600 });
  const jobId = await submit(db, tenant, { semaphoreUrl: server.says('/x', 503) });
  await runPass(db, probe);
  await runPass(db, probe);
  expect(server.hitsOf('/x')).toBe(1);
  const { rows } = await sql<{ seconds: number }>`
    SELECT extract(epoch FROM poll_at - now())::float8 AS seconds FROM jobs WHERE id = ${jobId}`.execute(
    db,
  );
  expect(Math.ceil((rows[0]?.seconds ?? 0) / 10)).toBe(60);
});

test('a shorter interval applies to semaphores that wait for their next look already', async () => {
  const tenant = await idleTenant({ schedule_interval: 86_400 });
  const other = await idleTenant({ schedule_interval: 86_400 });
  const jobId = await submit(db, tenant, { semaphoreUrl: server.says('/x', 503) });
  await submit(db, other, { semaphoreUrl: server.says('/y', 503) });
  await runPass(db, probe);
  server.says('/x', 200);
  await putSetting(db, tenant, 'schedule_interval', '30');
  await runPass(db, probe);
  expect([await stateOf(jobId), server.hitsOf('/x'), server.hitsOf('/y')]).toEqual([
    'queued',
    2,
    1,
  ]);
});

test('blocked, refused and silent addresses look alike to the client, and none is called that may not be', async () => {
  const allowed = await idleTenant({ schedule_interval: 60 });
  const guarded = await newTenant(db, { schedule_interval: 60 }, []);
  server.answers.set('/hang', () => undefined);
  const jobs = [
    await submit(db, guarded, { semaphoreUrl: server.says('/inside', 200) }),
    await submit(db, allowed, { semaphoreUrl: 'http://127.0.0.1:1/' }),
    await submit(db, allowed, { semaphoreUrl: 'http://127.0.0.1:9/' }),
    await submit(db, allowed, { semaphoreUrl: server.url('/hang') }),
  ];
  await runPass(db, hurried(500));
  const told = await Promise.all(jobs.map((id) => messages(db, id)));
  expect(new Set(told.map(String)).size).toBe(1);
  expect(told[0]).toEqual([expect.stringMatching(/^Semaphore gave no answer: .*every 60 s$/)]);
  expect(server.hitsOf('/inside')).toBe(0);
});

test('an endless answer opens by its status and is hung up on', async () => {
  const tenant = await idleTenant();
  let sentBytes = 0;
  let isClosed = false;
  server.answers.set('/huge', (response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(64 * 1024);
    const timer = setInterval(() => {
      sentBytes += chunk.length;
      response.write(chunk);
    }, 1);
    response.on('close', () => {
      isClosed = true;
      clearInterval(timer);
    });
  });
  const jobId = await submit(db, tenant, { semaphoreUrl: server.url('/huge') });
  await runPass(db, probe);
  expect(await stateOf(jobId)).toBe('queued');
  await expect.poll(() => isClosed).toBe(true);
  expect(sentBytes).toBeLessThan(64 * 1024 * 1024);
});

test('one URL of a tenant is asked once for all its jobs, for each tenant, whoever passes meanwhile', async () => {
  const owners = [await idleTenant(), await idleTenant()];
  server.answers.set('/x', (response) => {
    setTimeout(() => response.end(), 300);
  });
  for (const tenant of owners) {
    const semaphoreUrl = server.url('/x');
    await Promise.all(Array.from({ length: 1000 }, () => submit(db, tenant, { semaphoreUrl })));
  }
  const results = await Promise.all([1, 2, 3, 4].map(() => runPass(db, probe)));
  expect(results.reduce((sum, result) => sum + result.queued, 0)).toBe(2000);
  expect(server.hitsOf('/x')).toBe(2);
  const { rows } = await sql<{ told: number; jobs: number }>`
    SELECT count(*) AS told, count(DISTINCT job_id) AS jobs FROM logs
    WHERE message = 'Semaphore open: queued'`.execute(db);
  expect(rows).toEqual([{ told: 2000, jobs: 2000 }]);
});

test('run_at comes first, then the semaphore', async () => {
  const tenant = await idleTenant();
  const url = server.says('/x', 200);
  const jobId = await submit(db, tenant, { semaphoreUrl: url, runAt: inSeconds(3600) });
  await runPass(db, probe);
  expect([await stateOf(jobId), server.hits.length]).toEqual(['scheduled', 0]);
  await sql`UPDATE jobs SET run_at = now() WHERE id = ${jobId}`.execute(db);
  await runPass(db, probe);
  expect([await stateOf(jobId), server.hits.length]).toEqual(['queued', 1]);
});

const change = { pause: { state: 'paused' }, break: { state: 'broken' } } as const;

test.each<[string, 'paused' | 'broken' | 'scheduled', Parameters<typeof changeJob>[2]]>([
  ['paused', 'paused', change.pause],
  ['given up', 'broken', change.break],
  ['given another semaphore', 'scheduled', { semaphoreUrl: 'http://127.0.0.1:1/other' }],
  ['put off', 'scheduled', { runAt: inSeconds(3600) }],
])('a job that was %s meanwhile is not queued by an old answer', async (_name, state, changes) => {
  const tenant = await idleTenant();
  const jobId = await submit(db, tenant, { semaphoreUrl: server.url('/x') });
  const stop = new AbortController();
  server.answers.set('/x', (response) => {
    void changeJob(db, { tenantId: tenant, jobId }, changes, () => 'changed').then(() =>
      response.end(),
    );
  });
  await runPass(db, hurried(3000), stop.signal);
  expect(await stateOf(jobId)).toBe(state);
  expect(await messages(db, jobId)).not.toContain('Semaphore open: queued');
});

test('an answer from before a semaphore was taken away and given again does not count', async () => {
  const tenant = await idleTenant();
  const url = server.url('/x');
  const jobId = await submit(db, tenant, { semaphoreUrl: url, runAt: inSeconds(-1) });
  const set = (semaphoreUrl: string) =>
    changeJob(db, { tenantId: tenant, jobId }, { semaphoreUrl }, () => 'changed');
  let asked = 0;
  server.answers.set('/x', (response) => {
    asked += 1;
    if (asked > 1) response.writeHead(503).end();
    else
      void set('http://127.0.0.1:1/')
        .then(() => set(url))
        .then(() => response.end());
  });
  await runPass(db, probe);
  expect([asked, await stateOf(jobId)]).toEqual([2, 'scheduled']);
});

test('jobs become due and are queued while a semaphore hangs', async () => {
  const tenant = await idleTenant();
  let stateWhenItHung: string | undefined;
  const hanging = await submit(db, tenant, { semaphoreUrl: server.url('/hang') });
  const timed = await submit(db, tenant, { runAt: inSeconds(1) });
  server.answers.set('/hang', (response) => {
    void (async () => {
      await expect.poll(() => stateOf(timed), { timeout: 8000 }).toBe('queued');
      stateWhenItHung = await stateOf(hanging);
      response.end();
    })().catch(() => response.destroy());
  });
  await runPass(db, probe);
  expect([stateWhenItHung, await stateOf(hanging)]).toEqual(['scheduled', 'queued']);
});

test('a pass that is called off queues nothing more and gives back what it was asking', async () => {
  const tenant = await idleTenant();
  const stop = new AbortController();
  server.answers.set('/hang', () => stop.abort());
  const jobId = await submit(db, tenant, { semaphoreUrl: server.url('/hang') });
  await expect(runPass(db, probe, stop.signal)).rejects.toThrow('aborted');
  expect([await stateOf(jobId), await messages(db, jobId)]).toEqual(['scheduled', []]);
  server.says('/hang', 200);
  await runPass(db, probe);
  expect(await stateOf(jobId)).toBe('queued');
});

test('a thousand hanging semaphores: few sockets, each asked once; at the next look the others go first', async () => {
  const [hung, healthy] = [await idleTenant(), await idleTenant()];
  const path = (at: number): string => `/hang/${at}`;
  for (let at = 0; at < 1000; at++) {
    server.answers.set(path(at), () => undefined);
    await submit(db, hung, { semaphoreUrl: server.url(path(at)) });
  }
  const waiting: number[] = [];
  for (let at = 0; at < 10; at++) {
    // half of them of the tenant whose others hang
    const tenant = at % 2 === 0 ? hung : healthy;
    waiting.push(await submit(db, tenant, { semaphoreUrl: server.says(`/ok/${at}`, 503) }));
  }
  await runPass(db, hurried(600));
  expect([server.hits.length, new Set(server.hits).size]).toEqual([1010, 1010]);
  expect(server.mostSockets).toBeLessThanOrEqual(PARALLEL_POLLS);

  server.hits.length = 0;
  for (let at = 0; at < 10; at++) server.says(`/ok/${at}`, 200);
  await passInterval(db);
  await runPass(db, hurried(600));
  for (const id of waiting) expect(await stateOf(id)).toBe('queued');
  const places = waiting.map((_id, at) => server.hits.indexOf(`/ok/${at}`));
  expect(Math.max(...places)).toBeLessThan(PARALLEL_POLLS);
}, 60_000);

test('two schedulers over a thousand due jobs queue and start each of them once', async () => {
  const owners = await Promise.all([1, 2, 3, 4].map(() => newTenant(db, { max_jobs: 1000 })));
  for (let at = 0; at < 1000; at++) {
    const semaphoreUrl = at % 4 === 0 ? server.says(`/${at % 50}`, 200) : null;
    await submit(db, owners[at % 3] ?? 0, { semaphoreUrl, runAt: inSeconds(3600) });
  }
  await sql`UPDATE jobs SET run_at = now()`.execute(db);
  const results = await Promise.all([runPass(db, probe), runPass(db, probe)]);
  expect(results.reduce((sum, result) => sum + result.queued, 0)).toBe(1000);
  const { rows } = await sql<{ started: number; told: number; starts: number; jobs: number }>`
    SELECT (SELECT count(*) FROM jobs WHERE queue_state = 1) AS started,
           (SELECT count(*) FROM logs WHERE progname = 'scheduler') AS told,
           (SELECT count(*) FROM outbox WHERE kind = 'start') AS starts,
           (SELECT count(DISTINCT job_id) FROM outbox) AS jobs`.execute(db);
  expect(rows[0]).toEqual({ started: 1000, told: 1000, starts: 1000, jobs: 1000 });
}, 60_000);
