import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../api/app.ts';
import { WorkError } from '../../src/domain/failure.ts';
import { deleteExpiredKeys } from '../../src/store/idempotency.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';
import { addAnotherTenant } from '../helpers/tenant.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});

afterAll(() => api.stop());

const post = (
  body: unknown,
  headers: Record<string, string> = {},
  path = '/job',
  who: Record<string, string> = ACME,
) => api.send('POST', path, body, { ...who, ...headers });

const keyed = (key: string) => ({ 'idempotency-key': key });

const jobCount = async (): Promise<number> =>
  (await sql<{ count: number }>`SELECT count(*) FROM jobs`.execute(api.database.db)).rows[0]
    ?.count ?? 0;

describe('Idempotency-Key', () => {
  test('the same request again gets the same answer, says so, and makes no second job', async () => {
    const first = await post(submission(), keyed('same'));
    const count = await jobCount();
    const again = await post(submission(), keyed('same'));
    expect([again.status, again.json]).toEqual([first.status, first.json]);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await jobCount()).toBe(count);
  });

  test('another body with a used key is a 409 that names the key', async () => {
    await post(submission(), keyed('taken'));
    const { status, json } = await post(submission({ retries: 1 }), keyed('taken'));
    expect(status).toBe(409);
    expect(json.error).toMatch(/"taken"/);
  });

  test('bodies are compared byte by byte', async () => {
    const text = JSON.stringify(submission());
    await post(text, keyed('bytes'));
    expect((await post(text, keyed('bytes'))).status).toBe(200);
    expect((await post(`${text} `, keyed('bytes'))).status).toBe(409);
  });

  test('50 requests at once with one key make one job, 50 without a key make 50', async () => {
    const count = await jobCount();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post(submission(), keyed('storm'))),
    );
    expect(answers.map((one) => one.status)).toEqual(Array(50).fill(200));
    expect(new Set(answers.map((one) => one.json.id)).size).toBe(1);
    const replayed = answers.filter((one) => one.headers.get('idempotent-replayed') === 'true');
    expect(replayed).toHaveLength(49);
    expect(await jobCount()).toBe(count + 1);
    await Promise.all(Array.from({ length: 50 }, () => post(submission())));
    expect(await jobCount()).toBe(count + 51);
  });

  test('the key of one client is nothing to another', async () => {
    const mine = await post(submission(), keyed('shared'));
    const theirs = await post(submission(), keyed('shared'), '/job', OTHER);
    expect(theirs.status).toBe(200);
    expect(theirs.json.id).not.toBe(mine.json.id);
  });

  test('a refused request leaves its key free', async () => {
    expect((await post(submission({ drm: ['widevine'] }), keyed('fixed'))).status).toBe(400);
    const { rows } = await sql`SELECT key FROM idempotency_keys WHERE key = 'fixed'`.execute(
      api.database.db,
    );
    expect(rows).toEqual([]);
    expect((await post(submission(), keyed('fixed'))).status).toBe(200);
  });

  test('a request that dies half way leaves neither key nor job, and the retry makes the job', async () => {
    const { db } = api.database;
    const count = await jobCount();
    await sql`ALTER TABLE jobs ADD CONSTRAINT broken CHECK (content_id <> 'dies')`.execute(db);
    const body = submission({ content_id: 'dies' });
    expect((await post(body, keyed('half'))).status).toBe(500);
    expect(await jobCount()).toBe(count);
    await sql`ALTER TABLE jobs DROP CONSTRAINT broken`.execute(db);
    expect((await post(body, keyed('half'))).headers.get('idempotent-replayed')).toBeNull();
    expect(await jobCount()).toBe(count + 1);
  });

  test('the answer stays the same when the job was cleared', async () => {
    const first = await post(submission(), keyed('cleared'));
    await sql`DELETE FROM jobs WHERE id = ${first.json.id}`.execute(api.database.db);
    const again = await post(submission(), keyed('cleared'));
    expect([again.status, again.json]).toEqual([200, first.json]);
  });

  test('after 24 hours a key is new, and the old ones are deleted', async () => {
    const { db } = api.database;
    const first = await post(submission(), keyed('old'));
    const age = (interval: string) =>
      sql`UPDATE idempotency_keys SET created_at = now() - ${interval}::interval WHERE key = 'old'`.execute(
        db,
      );
    await age('23 hours 59 minutes');
    expect((await post(submission(), keyed('old'))).json.id).toBe(first.json.id);
    expect(await deleteExpiredKeys(db, 1000)).toBe(0);
    await age('24 hours 1 minute');
    const second = await post(submission({ retries: 2 }), keyed('old'));
    expect(second.status).toBe(200);
    expect(second.json.id).not.toBe(first.json.id);
    await age('24 hours 1 minute');
    expect(await deleteExpiredKeys(db, 1000)).toBe(1);
  });

  test.each([
    ['with a space', 'a b'],
    ['that is empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
    ['that is not ASCII', 'é'],
  ])('a key %s is a 400', async (_name, key) => {
    const { status, json } = await post(submission(), keyed(key));
    expect(status).toBe(400);
    expect(json.error).toMatch(/^Idempotency-Key: must have 1 to 255/);
  });

  test('a key of 255 characters is taken', async () => {
    expect((await post(submission(), keyed('~'.repeat(255)))).status).toBe(200);
  });

  test('the job gets its slot', async () => {
    const body = submission({ output_folder: 'vod/slot' });
    const { json } = await post(body, keyed('slot'), '/job', OTHER);
    const ids = (await api.send('GET', '/jobs?limit=100', undefined, OTHER)).json;
    expect(ids.find((job: { id: number }) => job.id === json.id).queue_state).toBe('started');
  });
});

describe('POST /job?dry_run=1', () => {
  const dryRun = (parameters: Record<string, unknown> = {}, job: Record<string, unknown> = {}) =>
    post(submission({ source_folder: 'dry/movie', ...parameters }, job), {}, '/job?dry_run=1');

  beforeAll(async () => {
    const folder = join(api.folder, 'input', 'acme', 'dry', 'movie');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'movie.mp4'), 'x'.repeat(1000));
    await writeFile(join(folder, 'movie_en.srt'), 'x'.repeat(10));
    await writeFile(join(folder, 'notes.txt'), 'x');
  });

  test('says what the job would be: its state, priority, sources, folders, tasks and log', async () => {
    const { status, json } = await dryRun({ output_folder: 'vod/movie', generate_mp4: true });
    expect(status).toBe(200);
    expect(json).toEqual({
      result: 'valid',
      workflow: 'vodstream',
      content_id: 'movie',
      priority: 5,
      queue_state: 'queued',
      run_at: null,
      source: {
        storage: 'local',
        folder: join(api.folder, 'input', 'acme', 'dry', 'movie'),
        count: 2,
        size: 1010,
        files: [
          { name: 'movie.mp4', kind: 'media', size: 1000 },
          { name: 'movie_en.srt', kind: 'captions', size: 10 },
        ],
      },
      output: {
        storage: 'local',
        folder: join(api.folder, 'output', 'acme', 'vod', 'movie'),
      },
      tasks: [
        'fetch_source',
        'inspect_source',
        'prepare_captions',
        'package',
        'create_thumbnail',
        'generate_mp4',
        'extract_metadata',
        'publish',
        'cleanup',
      ].map((name) => ({ name, queue: 'work' })),
      notes: [{ severity_description: 'INFO', message: 'Job accepted: vodstream of movie' }],
    });
  });

  test('keeps nothing: no job, no id, no log, no key, no folder', async () => {
    const count = await jobCount();
    const sequence = () =>
      sql`SELECT last_value FROM pg_sequences WHERE sequencename = 'jobs_id_seq'`.execute(
        api.database.db,
      );
    const before = (await sequence()).rows;
    const { json, headers } = await post(
      submission({ source_folder: 'dry/movie' }),
      keyed('dry'),
      '/job?dry_run=1',
    );
    expect(json).not.toHaveProperty('id');
    expect(headers.get('idempotent-replayed')).toBeNull();
    expect(await jobCount()).toBe(count);
    expect((await sequence()).rows).toEqual(before);
    expect((await post(submission(), keyed('dry'))).headers.get('idempotent-replayed')).toBeNull();
  });

  test('says a job with run_at ahead would be scheduled, and warns as the log would', async () => {
    const { json } = await dryRun({ trickplay: true }, { run_at: '2090-01-31T18:00:00.000' });
    expect(json).toMatchObject({ queue_state: 'scheduled', run_at: '2090-01-31T18:00:00.000Z' });
    expect(json.notes).toEqual([
      { severity_description: 'INFO', message: 'Job accepted: vodstream of movie' },
      {
        severity_description: 'INFO',
        message: 'Job will run at: "2090-01-31T18:00:00.000Z"',
      },
      {
        severity_description: 'WARN',
        message: 'trickplay has no effect: this version makes none',
      },
    ]);
  });

  test.each([
    ['is not there', 'nothing/here'],
    ['holds no media', 'empty'],
  ])('is a 400 naming parameters.source_folder where the folder %s', async (_name, folder) => {
    await mkdir(join(api.folder, 'input', 'acme', 'empty'), { recursive: true });
    const { status, json } = await dryRun({ source_folder: folder });
    expect(status).toBe(400);
    expect(json.error).toMatch(/^parameters\.source_folder: No source found in .*\/acme\//);
  });

  test('is a 400 in the words of the job for a voddelete that would delete nothing, or the root of a client', async () => {
    const output = join(api.folder, 'output', 'acme', 'del');
    await mkdir(join(output, 'empty'), { recursive: true });
    await mkdir(join(output, 'nested', 'other'), { recursive: true });
    await writeFile(join(output, 'nested', 'other', 'a.mp4'), 'x');
    await addAnotherTenant(api.database.db, {}, { outputRoot: join(output, 'nested', 'other') });
    const errorOf = async (folder: string): Promise<unknown> => {
      const body = { job: { workflow: 'voddelete' }, parameters: { folder } };
      const { status, json } = await post(body, {}, '/job?dry_run=1');
      return [status, json.error];
    };
    expect(await errorOf('del/empty')).toEqual([
      400,
      `parameters.folder: ${output}/empty holds no files; nothing was deleted`,
    ]);
    expect(await errorOf('del/nested')).toEqual([
      400,
      `parameters.folder: ${output}/nested holds the root of a client; name a folder below it. Nothing was deleted`,
    ]);
  });

  test('refuses what a submission refuses, with the same words', async () => {
    for (const parameters of [{ drm: ['widevine'] }, { source_folder: '../x' }, { retries: -1 }]) {
      const dry = await dryRun(parameters);
      const real = await post(submission({ source_folder: 'dry/movie', ...parameters }));
      expect([dry.status, dry.json]).toEqual([400, real.json]);
    }
  });

  test('does not look into the folder of another client', async () => {
    const body = submission({ source_folder: 'dry/movie' });
    expect((await post(body, {}, '/job?dry_run=1', OTHER)).status).toBe(400);
  });

  test.each(['0', 'false', ''])('dry_run=%s is a real submission', async (value) => {
    expect((await post(submission(), {}, `/job?dry_run=${value}`)).json.result).toBe('accepted');
  });

  test.each(['2', 'yes'])('dry_run=%s is a 400', async (value) => {
    const { status, json } = await post(submission(), {}, `/job?dry_run=${value}`);
    expect([status, json.error]).toEqual([400, 'dry_run: must be 1 or 0']);
  });

  test('is a 503 where the storage cannot be asked', async () => {
    const app = createApp({
      ...api.deps,
      lookUpSource: () => Promise.reject(new WorkError('StorageFailed', 'The storage is gone')),
    });
    const response = await app.request('/job?dry_run=1', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...ACME },
      body: JSON.stringify(submission()),
    });
    expect([response.status, await response.json()]).toEqual([
      503,
      { error: 'The storage is gone' },
    ]);
  });
});
