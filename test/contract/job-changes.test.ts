import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimOutbox } from '../../src/store/outbox.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';
import { finishJob } from '../../src/store/finish.ts';
import { getJob } from '../../src/store/jobs.ts';
import { putSetting } from '../../src/store/settings.ts';
import { getTenant } from '../../src/store/tenants.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
  const tenant = await getTenant(api.database.db, 'acme');
  await putSetting(api.database.db, tenant?.id ?? 0, 'max_jobs', '1000');
});

afterAll(() => api.stop());

async function submit(
  parameters = {},
  job = {},
  headers?: Record<string, string>,
): Promise<number> {
  const { status, json } = await api.send('POST', '/job', submission(parameters, job), headers);
  expect([status, json]).toEqual([200, expect.anything()]);
  return json.id as number;
}

let folders = 0;

/** A job that has been admitted: nobody else writes its folder. */
async function submitStarted(): Promise<number> {
  folders += 1;
  const id = await submit({ output_folder: `vod/own-${folders}` });
  expect((await show(id)).queue_state).toBe('started');
  return id;
}

/** A job that waits: in a year. */
const submitScheduled = (job = {}): Promise<number> =>
  submit({}, { run_at: '2099-01-01T00:00:00.000', ...job });

const show = async (id: number) => (await api.send('GET', `/jobs/${id}`)).json;
const change = (id: number | string, body: unknown, method = 'PATCH') =>
  api.send(method, `/jobs/${id}`, body);
const end = (id: number, isFailed = false) =>
  finishJob(api.database.db, { jobId: id, isFailed, reason: 'x', timeMs: Date.now(), events: [] });
const bodiesOf = async (id: number): Promise<readonly Record<string, unknown>[]> => {
  const { sql } = await import('kysely');
  const { rows } = await sql<{ body: string }>`
    SELECT body FROM events WHERE job_id = ${id} ORDER BY id`.execute(api.database.db);
  return rows.map((row) => JSON.parse(row.body));
};

test.each(['PATCH', 'PUT'])('%s answers with the id and what was performed', async (method) => {
  const id = await submitScheduled();
  const answer = await change(id, { priority: '2', persist: 'true' }, method);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    id,
    result: 'Performed updates: priority 2, persist true',
  });
  expect(await show(id)).toMatchObject({ priority: 2, persist: true, queue_state: 'scheduled' });
});

test('what was performed stands in the log of the job, by api', async () => {
  const id = await submitScheduled();
  await change(id, { priority: 2 });
  const rows = (await api.send('GET', `/logs/${id}`)).json;
  expect(rows.at(-1)).toMatchObject({ progname: 'api', message: 'Performed updates: priority 2' });
});

test('a waiting job is paused and put back to where it was', async () => {
  const id = await submitScheduled();
  expect((await change(id, { queue_state: 'paused' })).json.result).toBe(
    'Performed updates: queue_state paused',
  );
  expect((await show(id)).queue_state).toBe('paused');
  expect((await change(id, { queue_state: 'queued' })).json.result).toBe(
    'Performed updates: queue_state scheduled',
  );
});

test('a job whose time is taken away starts at once', async () => {
  const id = await submitScheduled();
  await change(id, { run_at: null });
  expect(await show(id)).toMatchObject({ queue_state: 'started', run_at: null });
});

test('states are taken as numbers too, as the state filter has them', async () => {
  const id = await submitScheduled();
  await change(id, { queue_state: '6' });
  expect((await show(id)).queue_state).toBe('paused');
});

test('sempahore_url, the historical spelling, changes the semaphore', async () => {
  const id = await submitScheduled();
  const url = 'http://127.0.0.1:9999/free';
  await change(id, { sempahore_url: url });
  expect((await show(id)).semaphore_url).toBe(url);
  await change(id, { semaphore_url: null });
  expect((await show(id)).semaphore_url).toBeNull();
});

test('both spellings with different values are refused', async () => {
  const id = await submitScheduled();
  const answer = await change(id, { semaphore_url: null, sempahore_url: 'http://127.0.0.1:9999/' });
  expect([answer.status, answer.json.error]).toEqual([
    400,
    expect.stringMatching(/^sempahore_url/),
  ]);
});

test('a waiting job that is given up ends at once, with its job end as failed', async () => {
  const id = await submit({ rest_endpoints: ['http://127.0.0.1:9999/'] }, { run_at: '2099-01-01' });
  await change(id, { queue_state: 'broken' });
  const job = await show(id);
  expect(job).toMatchObject({ queue_state: 'broken', failed: true });
  expect(job.ended_at).not.toBeNull();
  expect(await bodiesOf(id)).toMatchObject([{ job_id: id, status: 'failed' }]);
  await change(id, { queue_state: 'broken' });
  expect(await bodiesOf(id)).toHaveLength(1);
});

test('a job that is given up before any dispatcher saw it never starts', async () => {
  const id = await submitStarted();
  await change(id, { queue_state: 'broken' });
  expect((await show(id)).ended_at).not.toBeNull();
  const entries = await claimOutbox(api.database.db, 1000);
  expect(entries.filter((entry) => entry.jobId === id)).toEqual([]);
});

test('a running job that is given up is told to stop and ends later', async () => {
  const id = await submitStarted();
  await claimOutbox(api.database.db, 1000);
  await change(id, { queue_state: 'broken' });
  expect(await show(id)).toMatchObject({ queue_state: 'broken', ended_at: null });
  const entries = await claimOutbox(api.database.db, 1000);
  expect(entries.filter((entry) => entry.jobId === id).map((entry) => entry.kind)).toEqual([
    'cancel',
  ]);
  await end(id, true);
  expect(await show(id)).toMatchObject({ queue_state: 'broken', failed: true });
});

test.each([
  ['queue_state', { queue_state: 'completed' }],
  ['queue_state', { queue_state: 2 }],
  ['queue_state', { queue_state: 'started' }],
  ['queue_state', { queue_state: ['paused'] }],
  ['run_at', { run_at: 'tomorrow' }],
  ['run_at', { run_at: '2030-02-30T00:00:00' }],
  ['priority', { priority: 0 }],
  ['priority', { priority: 11 }],
  ['priority', { priority: 'first' }],
  ['priority', { priority: null }],
  ['semaphore_url', { semaphore_url: 'ftp://a.example/' }],
  ['semaphore_url', { semaphore_url: 7 }],
  ['semaphore_url', { sempahore_url: 'http://169.254.169.254/' }],
  ['persist', { persist: 'perhaps' }],
  ['id', { id: 1 }],
  ['failed', { failed: true }],
  ['created_at', { created_at: '2020-01-01' }],
  ['position', { position: 1 }],
  ['parameters', { parameters: {} }],
  ['tenant_id', { priority: 1, tenant_id: 2 }],
  ['the body', {}],
  ['the body', []],
  ['the body', 'null'],
])('a change that cannot be is refused, naming %s: %j', async (field, body) => {
  const id = await submitScheduled();
  const before = await show(id);
  const answer = await change(id, body);
  expect([answer.status, answer.json.error]).toEqual([
    400,
    expect.stringMatching(new RegExp(`^${field}`)),
  ]);
  expect(await show(id)).toEqual(before);
});

test('of a change whose second part cannot be, the first is not made either', async () => {
  const id = await submitStarted();
  const before = await show(id);
  const answer = await change(id, { persist: true, run_at: '2099-01-01' });
  expect([answer.status, answer.json.error]).toEqual([400, expect.stringMatching(/^run_at/)]);
  expect(await show(id)).toEqual(before);
});

test('a rerun is a new job with exactly the same parameters; the original becomes broken', async () => {
  const custom = '{"big":12345678901234567890,"b":1,"a":1.0,"a":2}';
  const text = `{"job":{"workflow":"vodstream","priority":3},"parameters":{"content_id":"again","source_folder":"s","odd":1.0,"rest_endpoints":["http://127.0.0.1:9999/x"],"custom_data":${custom}}}`;
  const { json } = await api.send('POST', '/job', text);
  await end(json.id, true);
  await change(json.id, { queue_state: 'paused' });
  const answer = await api.send('POST', `/jobs/${json.id}/rerun`);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({ id: expect.any(Number), result: 'accepted' });
  expect(answer.json.id).toBeGreaterThan(json.id);
  const [original, again] = [
    await getJob(api.database.db, json.id),
    await getJob(api.database.db, answer.json.id),
  ];
  expect(original).toMatchObject({ state: 'broken', isFailed: true });
  expect(again?.parameters).toBe(original?.parameters);
  expect(again?.customData).toBe(custom);
  expect(again).toMatchObject({ priority: 3, isFailed: false, endedAt: null });
  const { sql } = await import('kysely');
  const { rows } = await sql`SELECT url FROM streams WHERE job_id = ${answer.json.id}`.execute(
    api.database.db,
  );
  expect(rows).toEqual([{ url: 'http://127.0.0.1:9999/x' }]);
});

test('a rerun of a running or waiting job is refused with 409', async () => {
  for (const id of [await submitStarted(), await submitScheduled()]) {
    const answer = await api.send('POST', `/jobs/${id}/rerun`);
    expect([answer.status, answer.json.error]).toEqual([409, expect.stringContaining(`${id}`)]);
  }
});

test('of many reruns of one job at once, one makes a job', async () => {
  const id = await submitStarted();
  await end(id);
  const all = await Promise.all(
    Array.from({ length: 20 }, () => api.send('POST', `/jobs/${id}/rerun`)),
  );
  const statuses = all.map((one) => one.status);
  expect(statuses.filter((status) => status === 409)).toHaveLength(19);
  const made = all.find((one) => one.status === 200)?.json.id;
  const refusal = all.find((one) => one.status === 409);
  expect(refusal?.json.error).toContain(`${made}`);
});

test('a rerun that is sent again with its Idempotency-Key gets the same answer', async () => {
  const id = await submitStarted();
  await end(id);
  const headers = { ...ACME, 'idempotency-key': 'rerun-1' };
  const first = await api.send('POST', `/jobs/${id}/rerun`, undefined, headers);
  const again = await api.send('POST', `/jobs/${id}/rerun`, undefined, headers);
  expect([first.status, again.status, again.json]).toEqual([200, 200, first.json]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const other = await submitStarted();
  await end(other);
  const clash = await api.send('POST', `/jobs/${other}/rerun`, undefined, headers);
  expect([clash.status, clash.json.error]).toEqual([409, expect.stringMatching(/Idempotency-Key/)]);
});

test.each(['PATCH', 'PUT'])(
  '%s of a foreign job looks like that of an unknown one',
  async (method) => {
    const id = await submitScheduled();
    const body = { queue_state: 'broken' };
    const foreign = await api.send(method, `/jobs/${id}`, body, OTHER);
    const unknown = await api.send(method, '/jobs/99999999', body, OTHER);
    expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
    expect((await show(id)).queue_state).toBe('scheduled');
  },
);
