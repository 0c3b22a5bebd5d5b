import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import type { Egress } from '../../../src/egress/egress.ts';
import { claimIdleEndpoints } from '../../../src/store/endpoints.ts';
import { insertTaskEvents } from '../../../src/store/events.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { addJob, countStates, drain, taskEvent, tellJob } from './deliveries.ts';
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

/** The time of the next probe has come. */
async function openForProbe(endpointId: number): Promise<void> {
  await sql`UPDATE endpoints SET closed_until = now() WHERE id = ${endpointId}`.execute(
    scene.database.db,
  );
}

test('every status but 2xx, redirects too, is a failure that is tried again and told in the log', async () => {
  const { db } = scene.database;
  const statuses = [301, 302, 303, 307, 308, 400, 401, 404, 418, 429, 500, 502, 503, 599];
  const failed = new Set<string>();
  sink = await new CallbackSink(({ path }) => {
    if (failed.has(path)) return 204;
    failed.add(path);
    return Number(path.slice(1));
  }).start();
  const jobs = new Map<number, number>();
  for (const status of statuses) {
    const jobId = await addJob(db, scene.tenantId, [sink.url(`/${status}`)]);
    await tellJob(db, jobId, 0);
    jobs.set(status, jobId);
  }
  await drain(deps(), await scene.onlyEndpoint());
  expect(await countStates(db, scene.tenantId)).toEqual({ delivered: statuses.length });
  for (const [status, jobId] of jobs) {
    const answers = sink.requests.filter((one) => one.path === `/${status}`);
    expect(answers.map((one) => one.status)).toEqual([status, 204]);
    const rows = await listLogs(db, jobId, { withInvisible: false });
    expect(rows.map((row) => [row.severity, row.progname])).toEqual([['WARN', 'callback']]);
    expect(rows[0]?.message).toContain(`answered ${status}`);
  }
});

test('a schedule that is used up gives one event up, says so, and goes on with the next', async () => {
  const { db } = scene.database;
  sink = await new CallbackSink(({ body }) => (body['event'] === 'start' ? 500 : 200)).start();
  const jobId = await addJob(db, scene.tenantId, [`${sink.url()}?token=hush`]);
  await tellJob(db, jobId, 1);
  const result = await drain(deps([0.02, 0.02]), await scene.onlyEndpoint());
  expect(result).toMatchObject({ pendingStreams: 0, lastFailure: 'answered 500' });
  expect(sink.requests.map((one) => one.status)).toEqual([500, 500, 500, 200, 200]);
  expect(await countStates(db, scene.tenantId)).toEqual({ delivered: 2, exhausted: 1 });
  const logs = await listLogs(db, jobId, { withInvisible: false });
  const errors = logs.filter((row) => row.severity === 'ERROR');
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toContain('given up after 3 attempts: answered 500');
  expect(logs.map((row) => row.message).join()).not.toContain('hush');
});

test('410 stops the callbacks of that job to that URL, and of no other', async () => {
  const { db } = scene.database;
  sink = await new CallbackSink(({ path, body }) =>
    path === '/gone' && body['task_id'] !== undefined && String(body['task_id']).endsWith('002')
      ? 410
      : 200,
  ).start();
  const urls = [sink.url('/gone'), sink.url('/here')];
  const [first, second] = [
    await addJob(db, scene.tenantId, urls),
    await addJob(db, scene.tenantId, urls),
  ];
  await tellJob(db, first, 3);
  await drain(deps(), await scene.onlyEndpoint());
  expect(sink.requests.filter((one) => one.path === '/gone').map((one) => one.status)).toEqual([
    200, 200, 410,
  ]);
  expect(sink.delivered(first, '/here')).toHaveLength(7);
  expect(await countStates(db, scene.tenantId)).toEqual({ delivered: 9, stopped: 5 });

  // told later, for the job that was stopped and for another one
  await insertTaskEvents(db, first, [taskEvent(first, 4)]);
  await insertTaskEvents(db, second, [taskEvent(second, 1)]);
  await drain(deps(), await scene.onlyEndpoint());
  expect(sink.delivered(first, '/gone')).toHaveLength(2);
  expect(sink.delivered(second, '/gone')).toHaveLength(1);
  expect(await countStates(db, scene.tenantId)).toEqual({ delivered: 12, stopped: 6 });
});

test('an event that is refused three times is parked, and the next go on', async () => {
  const { db } = scene.database;
  sink = await new CallbackSink(({ body }) => (body['event'] === 'start' ? 422 : 200)).start();
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 1);
  await drain(deps(), await scene.onlyEndpoint());
  expect(sink.requests.map((one) => one.status)).toEqual([422, 422, 422, 200, 200]);
  expect(await countStates(db, scene.tenantId)).toEqual({ delivered: 2, parked: 1 });
  const errors = (await listLogs(db, jobId, { withInvisible: false })).filter(
    (row) => row.severity === 'ERROR',
  );
  expect(errors.map((row) => row.message)).toEqual([
    expect.stringContaining('parked, refused 3 times: answered 422'),
  ]);
});

test('ten failures in a row open the breaker: one probe at a time, and an answer closes it', async () => {
  const { db } = scene.database;
  let isDown = true;
  sink = await new CallbackSink(() => (isDown ? 503 : 200)).start();
  const url = sink.url();
  const jobs = await Promise.all(
    Array.from({ length: 30 }, () => addJob(db, scene.tenantId, [url])),
  );
  for (const jobId of jobs) await tellJob(db, jobId, 1);
  const endpointId = await scene.onlyEndpoint();
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
  const { db } = scene.database;
  sink = await new CallbackSink().start();
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 0);
  const offline: Egress = {
    close: () => Promise.resolve(),
    postJson: () =>
      Promise.resolve({ kind: 'failed', failure: 'offline', message: 'no name service' }),
  };
  for (let at = 0; at < 3; at++) {
    const result = await drain({ ...deps([600]), egress: offline }, await scene.onlyEndpoint());
    expect(result).toMatchObject({ failures: 0, probeSeconds: 0 });
    await sql`UPDATE streams SET due_at = now() WHERE job_id = ${jobId}`.execute(db);
  }
  await drain(deps([600]), await scene.onlyEndpoint());
  expect(sink.delivered(jobId)).toHaveLength(1);
});

test('a request carries the id of its event, the same at every attempt and for every URL', async () => {
  const { db } = scene.database;
  const ids = new Map<string, Set<string>>();
  let failures = 0;
  sink = await new CallbackSink(({ text, headers }) => {
    const key = text;
    ids.set(key, (ids.get(key) ?? new Set()).add(String(headers['webhook-id'])));
    return failures++ % 3 === 0 ? 500 : 200;
  }).start();
  const jobId = await addJob(db, scene.tenantId, [sink.url('/a'), sink.url('/b')]);
  await tellJob(db, jobId, 1);
  await drain(deps(), await scene.onlyEndpoint());
  expect([...ids.values()].map((one) => [...one].join())).toEqual([
    `te_${jobId}_1_start`,
    `te_${jobId}_1_end`,
    `te_${jobId}_job_end`,
  ]);
});

test('Retry-After puts the next attempt off', async () => {
  const { db } = scene.database;
  sink = await new CallbackSink().start();
  const asking: Egress = {
    close: () => Promise.resolve(),
    postJson: () =>
      Promise.resolve({ kind: 'answered', status: 503, answer: 'busy', retryAfter: '120' }),
  };
  const jobId = await addJob(db, scene.tenantId, [sink.url()]);
  await tellJob(db, jobId, 0);
  const result = await drain({ ...deps(), egress: asking }, await scene.onlyEndpoint());
  expect(result.nextDueSeconds).toBeGreaterThan(110);
  expect(result.nextDueSeconds).toBeLessThanOrEqual(120);
});
