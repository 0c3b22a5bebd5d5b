import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishJob } from '../../src/store/finish.ts';
import { putSetting } from '../../src/store/settings.ts';
import { getTenant } from '../../src/store/tenants.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
  for (const name of ['acme', 'other']) {
    const tenant = await getTenant(api.database.db, name);
    await putSetting(api.database.db, tenant?.id ?? 0, 'max_jobs', '1000');
  }
});

afterAll(() => api.stop());

let folders = 0;
/** A folder that no other test uses. */
const newFolder = (): string => `vod/folder-${(folders += 1)}`;
/** How a folder is spelled to people. */
const locationOf = (folder: string): string => `local:${api.folder}/output/acme/${folder}`;

const post = (folder: string, job = {}, headers: Record<string, string> = ACME) =>
  api.send('POST', '/job', submission({ output_folder: folder }, job), headers);
const submit = async (folder: string, job = {}): Promise<number> => {
  const { status, json } = await post(folder, job);
  expect([status, json]).toEqual([200, expect.anything()]);
  return json.id;
};
const show = async (id: number) => (await api.send('GET', `/jobs/${id}`)).json;
const messagesOf = async (id: number): Promise<readonly string[]> =>
  (await api.send('GET', `/logs/${id}`)).json.map((row: { message: string }) => row.message);
const end = (id: number) =>
  finishJob(api.database.db, {
    jobId: id,
    isFailed: false,
    reason: '',
    timeMs: Date.now(),
    events: [],
  });
const countJobs = async (): Promise<number> => {
  const { rows } = await sql<{ count: string }>`SELECT count(*) FROM jobs`.execute(api.database.db);
  return Number(rows[0]?.count);
};
const REFUSE = { on_conflict: 'refuse' };

test('a second job for a folder waits, says for whom, and starts when that one has ended', async () => {
  const folder = newFolder();
  const first = await submit(folder);
  const second = await submit(folder);
  const waits_for = {
    job_id: first,
    reason: `Job ${first} writes the same folder: ${locationOf(folder)}`,
  };
  expect(await show(first)).toMatchObject({ queue_state: 'started', waits_for: null });
  expect(await show(second)).toMatchObject({ queue_state: 'queued', waits_for });
  const [listed] = (await api.send('GET', `/jobs?job_ids=${second}`)).json;
  expect(listed.waits_for).toEqual(waits_for);
  const { queued } = (await api.send('GET', '/dashboard')).json;
  expect(queued.find((job: { id: number }) => job.id === second).waits_for).toEqual(waits_for);
  expect(await messagesOf(second)).toContain(
    `Waits for job ${first}, which writes the same folder: ${locationOf(folder)}`,
  );
  await end(first);
  expect(await show(second)).toMatchObject({ queue_state: 'started', waits_for: null });
});

test('the pages show for whom a job waits', async () => {
  const folder = newFolder();
  const first = await submit(folder);
  const second = await submit(folder);
  for (const path of ['/dashboard', `/logs/${second}`]) {
    const { text } = await api.send('GET', path, undefined, { ...ACME, accept: 'text/html' });
    expect(text).toContain(`waits for <a href="/logs/${first}">job ${first}</a>`);
  }
});

test('the log of a waiting job says once for whom, however often admission passes it over', async () => {
  const folder = newFolder();
  await submit(folder);
  const second = await submit(folder);
  await submit(newFolder());
  await submit(newFolder());
  const waits = (await messagesOf(second)).filter((message) => message.startsWith('Waits for'));
  expect(waits).toHaveLength(1);
});

test('a job whose folder is being deleted waits, as does a deletion of a folder in use', async () => {
  const folder = newFolder();
  const inside = await submit(`${folder}/in/it`);
  const beside = await submit(`${folder}0`);
  const deletion = (
    await api.send('POST', '/job', { job: { workflow: 'voddelete' }, parameters: { folder } })
  ).json.id;
  expect((await show(beside)).queue_state).toBe('started');
  expect((await show(deletion)).waits_for).toEqual({
    job_id: inside,
    reason: `Job ${inside} works in the folder that this one deletes: ${locationOf(folder)}`,
  });
  await end(inside);
  const late = await submit(`${folder}/late`);
  expect((await show(late)).waits_for).toEqual({
    job_id: deletion,
    reason: `Job ${deletion} deletes the folder: ${locationOf(folder)}`,
  });
});

test('a paused job that has run keeps its folder until it ends', async () => {
  const folder = newFolder();
  const first = await submit(folder);
  await api.send('PATCH', `/jobs/${first}`, { queue_state: 'paused' });
  const second = await submit(folder);
  expect((await show(second)).waits_for).toMatchObject({ job_id: first });
  await api.send('PATCH', `/jobs/${first}`, { queue_state: 'queued' });
  expect(await show(first)).toMatchObject({ queue_state: 'started', waits_for: null });
});

test('a job that is run again takes the folder anew', async () => {
  const folder = newFolder();
  const first = await submit(folder);
  await end(first);
  const holder = await submit(folder);
  const again = (await api.send('POST', `/jobs/${first}/rerun`)).json.id;
  expect((await show(again)).waits_for).toMatchObject({ job_id: holder });
});

test('another client with a folder of the same name is neither waited for nor told of', async () => {
  const folder = newFolder();
  await submit(folder);
  const { json } = await post(folder, REFUSE, OTHER);
  const other = await api.send('GET', `/jobs/${json.id}`, undefined, OTHER);
  expect(other.json).toMatchObject({ queue_state: 'started', waits_for: null });
});

test.each(['started', 'queued', 'paused'])(
  'on_conflict refuse answers 409 and names the %s job and the folder',
  async (state) => {
    const folder = newFolder();
    const running = await submit(folder);
    let other = running;
    if (state !== 'started') {
      other = await submit(folder);
      if (state === 'paused') await api.send('PATCH', `/jobs/${other}`, { queue_state: state });
      // the waiting job is left as the only one of the folder
      await sql`UPDATE jobs SET writes_to = '{}' WHERE id = ${running}`.execute(api.database.db);
    }
    const before = await countJobs();
    const { status, json } = await post(folder, REFUSE);
    expect([status, json]).toEqual([
      409,
      {
        error: `job.on_conflict: job ${other} (${state}) writes the same folder: ${locationOf(folder)}`,
      },
    ]);
    expect(await countJobs()).toBe(before);
  },
);

test.each([
  ['wait', 'wait'],
  ['left out', undefined],
  ['blank', ''],
])('a conflict with on_conflict %s is no refusal', async (_name, on_conflict) => {
  const folder = newFolder();
  await submit(folder);
  await submit(folder, { on_conflict });
});

test('on_conflict refuse takes a job whose folder is free, and one that a scheduled or ended job used', async () => {
  const folder = newFolder();
  await submit(folder, { run_at: '2099-01-01T00:00:00.000' });
  const first = await submit(folder, REFUSE);
  await end(first);
  await submit(folder, REFUSE);
});

test.each([
  { on_conflict: 'abort' },
  { on_conflict: 1 },
  { on_conflict: true },
  { on_conflict: [] },
])('a job with %j is a 400 that names it', async (job) => {
  const before = await countJobs();
  const { status, json } = await post(newFolder(), job);
  expect([status, json]).toEqual([400, { error: 'job.on_conflict: must be wait or refuse' }]);
  expect(await countJobs()).toBe(before);
});

test('of ten submissions at once that refuse to wait one is accepted', async () => {
  const folder = newFolder();
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(folder, REFUSE)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)]);
});

test('a key gets the same job again though its own job holds the folder, and a 409 uses up no key', async () => {
  const folder = newFolder();
  const keyed = (key: string) => post(folder, REFUSE, { ...ACME, 'idempotency-key': key });
  const first = await keyed('folder-1');
  const repeated = await keyed('folder-1');
  expect([first.status, repeated.status, repeated.json.id]).toEqual([200, 200, first.json.id]);
  expect((await keyed('folder-2')).status).toBe(409);
  await end(first.json.id);
  expect((await keyed('folder-2')).status).toBe(200);
});

test('a dry run is refused as the submission would be', async () => {
  const folder = newFolder();
  const first = await submit(folder);
  const { status, json } = await api.send(
    'POST',
    '/job?dry_run=1',
    submission({ output_folder: folder }, REFUSE),
  );
  expect(status).toBe(409);
  expect(json.error).toContain(`job ${first} (started)`);
});

test('the description of the API has on_conflict with its values, waits_for and the 409', async () => {
  const { json } = await api.send('GET', '/openapi.json');
  const job = json.components.schemas.Submission.properties.job;
  expect(job.properties.on_conflict.enum).toEqual(['wait', 'refuse', null]);
  expect(json.components.schemas.Job.properties.waits_for).toBeDefined();
  expect(json.paths['/job'].post.responses['409']).toBeDefined();
});
