import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storageSecretContext, type AzureSettings } from '../../src/domain/storage-settings.ts';
import { createSecretBox } from '../../src/secrets/secret-box.ts';
import { toNewJob } from '../../src/contract/new-job.ts';
import { lockFolders } from '../../src/store/folder-waits.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { finishJob } from '../../src/store/finish.ts';
import { putTenantStorage } from '../../src/store/tenant-storages.ts';
import { getTenant } from '../../src/store/tenants.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';
import { until } from '../helpers/engine.ts';

let api: TestApi;
let folders = 0;

beforeAll(async () => {
  api = await createTestApi();
  await api.send('POST', '/settings', { name: 'max_jobs', setting: 1000 });
});

afterAll(() => api.stop());

/** A folder that no other test writes. */
const newFolder = (): string => {
  folders += 1;
  return `vod/movie-${folders}`;
};

const post = (
  output_folder: string,
  job: Record<string, unknown> = {},
  headers: Record<string, string> = {},
  path = '/job',
) => api.send('POST', path, submission({ output_folder }, job), { ...ACME, ...headers });

const refuse = { on_conflict: 'refuse' };
const show = async (id: number) => (await api.send('GET', `/jobs/${id}`)).json;
const end = (jobId: number) =>
  finishJob(api.database.db, {
    jobId,
    isFailed: false,
    reason: '',
    timeMs: Date.now(),
    events: [],
  });
const pathOf = (folder: string): string => `local:${api.folder}/output/acme/${folder}`;

test('a job whose folder another one writes waits, and says for whom as long as it does', async () => {
  const folder = newFolder();
  const { json: first } = await post(folder);
  const { json: second } = await post(folder);
  const reason = `writes the same folder: ${pathOf(folder)}`;
  const waits_for = { job_id: first.id, reason: `Job ${first.id} ${reason}` };
  expect(await show(first.id)).toMatchObject({ queue_state: 'started', waits_for: null });
  expect(await show(second.id)).toMatchObject({ queue_state: 'queued', waits_for });
  const listed = (await api.send('GET', `/jobs?job_ids=${first.id},${second.id}`)).json;
  expect(listed).toMatchObject([{ waits_for }, { waits_for: null }]);
  const { queued } = (await api.send('GET', '/dashboard')).json;
  expect(queued.find((job: { id: number }) => job.id === second.id)).toMatchObject({ waits_for });
  const logs = (await api.send('GET', `/logs/${second.id}`)).json;
  expect(logs).toContainEqual(
    expect.objectContaining({
      progname: 'controller',
      severity_description: 'INFO',
      message: `Waits for job ${first.id}, which ${reason}`,
    }),
  );
  await end(first.id);
  expect(await show(second.id)).toMatchObject({ queue_state: 'started', waits_for: null });
});

test('the pages show for whom a job waits', async () => {
  const folder = newFolder();
  const { json: first } = await post(folder);
  const { json: second } = await post(folder);
  for (const path of ['/dashboard', `/logs/${second.id}`]) {
    const page = await api.send('GET', path, undefined, { ...ACME, accept: 'text/html' });
    expect(page.text).toContain(`waits for <a href="/logs/${first.id}">job ${first.id}</a>`);
    expect(page.text).toContain(pathOf(folder));
  }
});

test('waiting can be asked for by name', async () => {
  const folder = newFolder();
  await post(folder);
  expect((await post(folder, { on_conflict: 'wait' })).status).toBe(200);
  expect((await post(newFolder(), { on_conflict: null })).status).toBe(200);
});

test('on_conflict refuse is a 409 that names the job and the folder, and nothing is kept', async () => {
  const folder = newFolder();
  const { json: first } = await post(folder);
  const count = async () =>
    (await sql<{ count: number }>`SELECT count(*) FROM jobs`.execute(api.database.db)).rows[0]
      ?.count;
  const before = await count();
  const { status, json } = await post(folder, refuse);
  expect([status, json]).toEqual([
    409,
    {
      error: `job.on_conflict: job ${first.id} (started) writes the same folder: ${pathOf(folder)}`,
    },
  ]);
  expect(await count()).toBe(before);
  await end(first.id);
  expect((await post(folder, refuse)).status).toBe(200);
});

test.each([
  ['queued', {}, 409],
  ['paused', {}, 409],
  ['scheduled', { run_at: '2099-01-01T00:00:00' }, 200],
] as const)('a job that is %s counts as a conflict or not', async (state, job, status) => {
  const folder = newFolder();
  const { json: first } = await post(folder);
  const { json: waiting } = await post(folder, job);
  if (state === 'paused') await api.send('PATCH', `/jobs/${waiting.id}`, { queue_state: 'paused' });
  expect((await show(waiting.id)).queue_state).toBe(state);
  await sql`UPDATE jobs SET ended_at = now(), queue_state = 2 WHERE id = ${first.id}`.execute(
    api.database.db,
  );
  const answer = await post(folder, refuse);
  expect(answer.status).toBe(status);
  if (status === 409) expect(answer.json.error).toContain(`job ${waiting.id} (${state}) writes`);
});

test('of twenty at once that would not wait, one is accepted', async () => {
  const folder = newFolder();
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(folder, refuse)));
  expect(answers.filter((one) => one.status === 200)).toHaveLength(1);
  expect(answers.filter((one) => one.status === 409)).toHaveLength(19);
});

test('one that would not wait sees the job of another whose transaction was first', async () => {
  const { db } = api.database;
  const folder = newFolder();
  const tenantId = (await getTenant(db, 'acme'))?.id ?? 0;
  const isWaiting = async () => {
    const { rows } = await sql`
      SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'advisory'`.execute(db);
    return rows.length > 0 || undefined;
  };
  let second = Promise.resolve({ status: 0 });
  await db.transaction().execute(async (transaction) => {
    await lockFolders(transaction, tenantId);
    second = post(folder, refuse);
    await Promise.race([second, until(isWaiting, 10, 'the second to wait')]);
    await insertJob(
      transaction,
      toNewJob(JSON.stringify(submission({ output_folder: folder })), {
        tenantId,
        tenant: 'acme',
        storage: { source: 'local', destination: null },
        isConfigured: () => true,
        tenantCallbackUrls: [],
        checkUrl: () => undefined,
        placeOf: (kind, side) => ({ kind, volume: '', root: `${api.folder}/${side}/acme` }),
        now: new Date(),
      }),
    );
  });
  expect((await second).status).toBe(409);
});

test('with a key the same request gets the same job, and a refusal is not remembered', async () => {
  const folder = newFolder();
  const key = { 'idempotency-key': `conflict-${folder}` };
  const { json: first } = await post(folder);
  expect((await post(folder, refuse, key)).status).toBe(409);
  await end(first.id);
  const made = await post(folder, refuse, key);
  expect(made.status).toBe(200);
  const again = await post(folder, refuse, key);
  expect([again.status, again.json]).toEqual([200, made.json]);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
});

test('a dry run says the same', async () => {
  const folder = newFolder();
  await post(folder);
  expect((await post(folder, refuse, {}, '/job?dry_run=1')).status).toBe(409);
});

test.each(['never', 1, true, ['wait']])('on_conflict %j is a 400 that names it', async (value) => {
  const { status, json } = await post(newFolder(), { on_conflict: value });
  expect([status, json.error]).toEqual([400, 'job.on_conflict: must be wait or refuse']);
});

test('output_root and Unicode spell one folder as one, names that begin alike do not', async () => {
  await post('root/Müsic');
  const decomposed = submission({ output_root: 'root', output_folder: 'Mu\u0308sic/' }, refuse);
  expect((await api.send('POST', '/job', decomposed)).status).toBe(409);
  expect((await post('root/Müsic1', refuse)).status).toBe(200);
});

test('a delete waits for who works in its folder, and whoever wants to work there waits for it', async () => {
  const folder = newFolder();
  const remove = (path: string, job = {}) =>
    api.send('POST', '/job', {
      job: { workflow: 'voddelete', ...job },
      parameters: { folder: path },
    });
  const { json: below } = await post(`${folder}/hd`);
  const { json: deleting } = await remove(folder);
  expect((await show(deleting.id)).waits_for).toEqual({
    job_id: below.id,
    reason: `Job ${below.id} works in the folder that this one deletes: ${pathOf(folder)}`,
  });
  const { json: later } = await post(`${folder}/sd`);
  expect((await show(later.id)).waits_for).toEqual({
    job_id: deleting.id,
    reason: `Job ${deleting.id} is ahead in the queue and deletes the folder: ${pathOf(folder)}`,
  });
  await end(below.id);
  expect((await show(deleting.id)).queue_state).toBe('started');
  const refused = await post(`${folder}/hd`, refuse);
  expect(refused.json.error).toContain(`job ${deleting.id} (started) deletes the folder`);
  expect((await post(`${folder}0/hd`, refuse)).status).toBe(200);
});

test('another client’s job in the same folder of one disk is none of this one’s business', async () => {
  const folder = newFolder();
  await post(folder);
  await sql`UPDATE tenants SET output_root = ${`${api.folder}/output/acme`} WHERE name = 'other'`.execute(
    api.database.db,
  );
  const { status, json } = await post(folder, refuse, OTHER);
  expect(status).toBe(200);
  const shown = (await api.send('GET', `/jobs/${json.id}`, undefined, OTHER)).json;
  expect(shown.waits_for).toBeNull();
});

test('a job that is run again waits in the folder where its tenant’s results go now', async () => {
  const folder = newFolder();
  const { json: first } = await post(folder);
  await end(first.id);
  const { json: holder } = await post(folder);
  const { json: again } = await api.send('POST', `/jobs/${first.id}/rerun`);
  expect(await show(again.id)).toMatchObject({ waits_for: { job_id: holder.id } });
});

test('where credentials that hold the place cannot be opened a submission is a 503', async () => {
  const { db } = api.database;
  const tenantId = (await getTenant(db, 'acme'))?.id ?? 0;
  const settings: AzureSettings = {
    kind: 'azure_blob',
    container: 'films',
    root: '',
    credential: 'connection-string',
    accountUrl: null,
    tier: null,
    encryptionScope: null,
    cacheControl: null,
    fixedCacheControl: null,
  };
  const side = 'output';
  const sealed = createSecretBox([Buffer.alloc(32, 1)]).seal(
    'AccountName=a;AccountKey=secret',
    storageSecretContext(tenantId, 'azure_blob', side),
  );
  await putTenantStorage(db, { tenantId, side, settings, sealed });
  const fresh = { ...api.deps };
  const { createApp } = await import('../../api/app.ts');
  const response = await createApp(fresh).request('/job', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...ACME },
    body: JSON.stringify(submission({ destination_storage: 'azure_blob' })),
  });
  expect(response.status).toBe(503);
  const text = await response.text();
  expect(text).toContain('The credentials of azure_blob cannot be opened');
  expect(text).not.toContain('AccountKey');
});
