import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { SCHEDULES } from '../../src/temporal/names.ts';
import { TestEngine, until } from '../helpers/engine.ts';

const QUEUE = SCHEDULES.queueScheduledJobs;
/** Nobody works on media, so that a job that has been started stays so. */
const QUEUES = 'controller,callback,scheduler';

let engine: TestEngine;
let client: Client;
let server: Server;
let answer: (response: ServerResponse) => void = (response) => response.end();

beforeAll(async () => {
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  engine = await TestEngine.create({ isStarted: false });
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  await engine.startApi();
  await engine.startWorker(QUEUES);
  await put('/settings', 'POST', { name: 'max_jobs', setting: 100 });
});

afterEach(() => switchSchedule(true));

afterAll(async () => {
  await engine?.stop();
  await client?.connection.close();
  server?.closeAllConnections();
  server?.close();
});

/** Sends a change; a Temporal that has just been set up, or is busy, does not answer at once (503). */
const put = (path: string, method: string, body: unknown): Promise<unknown> =>
  until(
    async () => {
      const response = await engine.request(path, { method, body: JSON.stringify(body) });
      if (response.status === 503) return undefined;
      expect([path, response.status]).toEqual([path, 200]);
      return response.json();
    },
    30,
    path,
  );

const switchSchedule = (active: boolean): Promise<unknown> =>
  put('/scheduler', 'PUT', { schedule: QUEUE, active });

interface ScheduleAnswer {
  readonly every: string;
  readonly active: boolean;
}

const schedule = (): Promise<ScheduleAnswer> =>
  until(
    async () => {
      const response = await engine.request('/schedules');
      if (response.status === 503) return undefined;
      const { schedules } = (await response.json()) as {
        readonly schedules: Readonly<Record<string, ScheduleAnswer>>;
      };
      return schedules[QUEUE];
    },
    30,
    'the schedules',
  );

const semaphoreUrl = (): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/ready`;

let folders = 0;

/** A job that writes a folder of its own. */
const submit = (job: Record<string, unknown>): Promise<number> => {
  folders += 1;
  return engine.submit({ content_id: 'c', source_folder: `s/${folders}` }, job);
};

const untilState = (jobId: number, state: string): Promise<unknown> =>
  until(
    async () => (await engine.job(jobId)).queue_state === state || undefined,
    30,
    `job ${jobId} to be ${state}`,
  );

const inSeconds = (seconds: number): string =>
  new Date(Date.now() + seconds * 1000).toISOString().replace('Z', '');

async function schedulerRows(jobId: number): Promise<readonly string[]> {
  const rows = (await (await engine.request(`/logs/${jobId}`)).json()) as readonly {
    readonly progname: string;
    readonly message: string;
  }[];
  return rows.filter((row) => row.progname === 'scheduler').map((row) => row.message);
}

/** Runs a schedule once, whatever its interval, and waits for the end of the run. */
async function runNow(name: string): Promise<void> {
  const handle = client.schedule.getHandle(name);
  const before = (await handle.describe()).info.numActionsTaken;
  await handle.trigger();
  await until(
    async () => {
      const { info } = await handle.describe();
      return (info.numActionsTaken > before && info.runningActions.length === 0) || undefined;
    },
    // an activity handed to the worker that was just stopped is taken up again after 30 s
    60,
    `${name} to run`,
  );
}

test('schedule_interval changes the real schedule at once, and a job starts after its run_at', async () => {
  expect((await schedule()).every).toBe('60s');
  await put('/settings', 'POST', { name: 'schedule_interval', setting: '1' });
  await until(async () => (await schedule()).every === '1s' || undefined, 10, 'the interval');
  const jobId = await submit({ run_at: inSeconds(3) });
  expect((await engine.job(jobId)).queue_state).toBe('scheduled');
  await untilState(jobId, 'started');
  const job = await engine.job(jobId);
  expect(String(job['started_at']) > String(job['run_at'])).toBe(true);
  expect(await schedulerRows(jobId)).toEqual(['Its time has come: queued']);
});

test('a job starts when its semaphore opens', async () => {
  answer = (response) => response.writeHead(503).end();
  const jobId = await submit({ semaphore_url: semaphoreUrl() });
  const refusal = 'Semaphore answered 503; looking again every 1 s';
  await until(async () => (await schedulerRows(jobId)).includes(refusal) || undefined, 30, refusal);
  answer = (response) => response.writeHead(302, { location: '/elsewhere' }).end();
  await untilState(jobId, 'started');
  expect(await schedulerRows(jobId)).toEqual([refusal, 'Semaphore open: queued']);
});

test('switched off, scheduled jobs stay scheduled, over a restart of the workers too', async () => {
  await switchSchedule(false);
  const jobId = await submit({ run_at: inSeconds(1) });
  await engine.worker?.stop();
  await engine.startWorker(QUEUES);
  await until(
    async () => Date.now() > Date.parse(String((await engine.job(jobId))['run_at'])) || undefined,
    30,
    'run_at to pass',
  );
  await runNow(SCHEDULES.reconcileJobs);
  expect([(await engine.job(jobId)).queue_state, await schedule()]).toEqual([
    'scheduled',
    expect.objectContaining({ active: false, every: '1s' }),
  ]);
  await switchSchedule(true);
  await untilState(jobId, 'started');
});

test('switched off while a semaphore is being asked, its answer queues nothing any more', async () => {
  const held: ServerResponse[] = [];
  answer = (response) => held.push(response);
  const jobId = await submit({ semaphore_url: semaphoreUrl() });
  await until(async () => held.length > 0 || undefined, 30, 'the semaphore to be asked');
  await switchSchedule(false);
  for (const response of held) response.end();
  await until(
    async () => {
      const { info } = await client.schedule.getHandle(QUEUE).describe();
      return info.runningActions.length === 0 || undefined;
    },
    30,
    'the run to end',
  );
  expect((await engine.job(jobId)).queue_state).toBe('scheduled');
  answer = (response) => response.end();
  await switchSchedule(true);
  await untilState(jobId, 'started');
});

test('a worker killed while it asks a semaphore loses no job: it is asked again and starts', async () => {
  const held: ServerResponse[] = [];
  answer = (response) => held.push(response);
  const jobId = await submit({ semaphore_url: semaphoreUrl() });
  await until(async () => held.length > 0 || undefined, 30, 'the semaphore to be asked');
  process.kill(engine.worker?.pid ?? 0, 'SIGKILL');
  await engine.worker?.ended;
  answer = (response) => response.end();
  await engine.startWorker(QUEUES);
  await untilState(jobId, 'started');
  expect(await schedulerRows(jobId)).toEqual(['Semaphore open: queued']);
});
