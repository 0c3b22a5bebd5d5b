import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDeleteAsset } from '../../../activities/files/delete/delete-asset.ts';
import { createDeleteFiles } from '../../../activities/files/delete/delete-files.ts';
import { createSourceLookup } from '../../../api/submission/source-lookup.ts';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import type { FindPlace } from '../../../src/storage/find-place.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { listPublishedFiles, putPublication } from '../../../src/store/publications.ts';
import { getTenant } from '../../../src/store/tenants.ts';
import { claimTask } from '../../../src/store/tasks.ts';
import { createDeletion } from '../../../worker/deletion.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import {
  newBucket,
  newContainer,
  openTestStorage,
  type TestStorage,
} from '../../helpers/storages.ts';
import { type Call, TestTask, WatchedStorage } from './scene.ts';
import { addTenant } from '../../helpers/tenant.ts';

const NEIGHBOURS = [
  'movie/movie.m3u8',
  'movie10/movie1.m3u8',
  'movie1.bak/movie1.m3u8',
  'movie1.mp4',
  'movie1-2/x.mp4',
  'Movie1/x.mp4',
];
const INSIDE = [
  'movie1/movie1.m3u8',
  'movie1/movie1.mpd',
  'movie1/movie1-7-video-1.m3u8',
  'movie1/movie1-7-video-1.mp4',
  'movie1/.te-7-left.mp4',
  'movie1/old/deep/er/x.vtt',
  'movie1/name with ümläut, & comma.jpg',
];

let database: TestDatabase;
let tenantId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await addTenant(database.db);
});

afterAll(() => database.drop());

describe.each(STORAGE_KINDS)('deleting in %s', (kind) => {
  let storage: TestStorage;
  let watched: WatchedStorage;
  let folder: string;
  let local: string;

  beforeEach(async () => {
    storage = await openTestStorage(kind);
    watched = new WatchedStorage(storage.driver);
    folder = await mkdtemp(join(tmpdir(), 'task-engine-delete-'));
    local = join(folder, 'some.bin');
    await writeFile(local, 'some bytes');
    await put(...NEIGHBOURS, ...INSIDE);
  });

  afterEach(async () => {
    await storage.remove();
    await rm(folder, { recursive: true });
  });

  async function put(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await storage.driver.upload(local, key);
  }

  /** Has something happen whenever files were deleted. */
  const afterDelete = (happen: () => Promise<unknown>): void => {
    watched.delete = async (keys, signal) => {
      await storage.driver.delete(keys, signal);
      await happen();
    };
  };

  /** A folder in which is nothing: object stores keep an entry for it, if somebody made one. */
  async function makeFolder(key: string): Promise<void> {
    if (kind === 'local') {
      await mkdir(join(storage.driver.root, key), { recursive: true });
      return;
    }
    const nothing = join(folder, 'nothing');
    await writeFile(nothing, '');
    await storage.driver.upload(nothing, `${key}/`);
  }

  const neighbours = () =>
    storage.allKeys().then((keys) => keys.filter((key) => !key.startsWith('movie1/')));

  /** A job of a workflow whose task the returned attempt owns. */
  async function startJob(workflow: string, parameters: unknown): Promise<TestTask> {
    const { db } = database;
    const { rows } = await sql<{ id: number }>`
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
      VALUES (${tenantId}, ${workflow}, 'c', 5, 1, ${JSON.stringify(parameters)}, false, 'c')
      RETURNING id`.execute(db);
    const task = new TestTask(rows[0]?.id ?? 0);
    await sql`
      INSERT INTO tasks (job_id, number, name, event, started_at)
      VALUES (${task.jobId}, ${task.taskNumber}, 'delete', 'start', now())`.execute(db);
    await claimTask(db, task);
    return task;
  }

  const retry = async (task: TestTask): Promise<TestTask> => {
    const next = new TestTask(task.jobId, task.attempt + 1);
    expect(await claimTask(database.db, next)).toBe(true);
    return next;
  };

  /** Where roots are: none but the storage's own, which a test may nest. */
  let nestedRoot = '';
  const findPlace: FindPlace = () => ({
    kind,
    volume: storage.driver.volume,
    root: storage.driver.fullPath(nestedRoot),
  });

  const deps = () => ({
    storages: { open: () => Promise.resolve(watched) },
    deletion: createDeletion({ db: database.db, findPlace }),
  });

  const deleteFolder = (task: TestTask, folder = 'movie1') =>
    createDeleteAsset(deps())(task, { jobId: task.jobId, tenant: 'acme', storage: kind, folder });

  const deleteFiles = (task: TestTask) =>
    createDeleteFiles(deps())(task, { jobId: task.jobId, tenant: 'acme', storage: kind });

  const resultOf = async (task: TestTask) => (await getJob(database.db, task.jobId))?.result;

  const logOf = async (task: TestTask): Promise<string> =>
    (await listLogs(database.db, task.jobId, { withInvisible: true }))
      .map((row) => row.message)
      .join('\n');

  /** Publishes some files of a folder, as far as the record goes. */
  const publish = (folder: string, files: readonly string[]) =>
    putPublication(
      database.db,
      { tenantId, location: locationOf(storage.driver, folder), asset: `a-${folder}` },
      { jobId: 1, files, result: null },
    );

  const publishedIn = (folder: string) =>
    listPublishedFiles(database.db, 'acme', locationOf(storage.driver, folder));

  test('a folder goes with all that is in it, its neighbours stay', async () => {
    const task = await startJob('voddelete', {});
    const { message } = await deleteFolder(task);
    expect(message).toBe('7 files, 70 bytes deleted');
    expect(await storage.allKeys()).toEqual([...NEIGHBOURS].sort());
    const result = await resultOf(task);
    expect(result?.message).toBe(storage.driver.fullPath('movie1'));
    expect([...(result?.files ?? [])].sort()).toEqual(
      INSIDE.map((key) => storage.driver.fullPath(key)).sort(),
    );
    const log = await logOf(task);
    expect(log).toContain(`Deleting 7 files, 70 bytes, below ${storage.driver.fullPath('movie1')}`);
    for (const key of INSIDE) expect(log).toContain(key.slice('movie1/'.length));
  });

  test.each(['movie1', 'movie1/old/deep'])(
    'a folder that holds the root of a client at %s is not deleted',
    async (root) => {
      nestedRoot = root;
      const deleted = deleteFolder(await startJob('voddelete', {}));
      await expect(deleted).rejects.toThrow(/holds the root of a client/);
      nestedRoot = '';
      expect(await storage.allKeys()).toHaveLength(NEIGHBOURS.length + INSIDE.length);
    },
  );

  test('folders in which no file is go, too, and are told as no files', async () => {
    for (const empty of ['movie1/empty', 'movie1/old/none/at/all']) await makeFolder(empty);
    const task = await startJob('voddelete', {});
    expect(await deleteFolder(task)).toEqual({ message: '7 files, 70 bytes deleted' });
    expect((await resultOf(task))?.files).toHaveLength(INSIDE.length);
    expect(await storage.allKeys()).toEqual([...NEIGHBOURS].sort());
    if (kind === 'local') {
      expect(await readdir(storage.driver.root)).not.toContain('movie1');
    }
  });

  test('a folder that somebody makes meanwhile does not fail the job', async () => {
    afterDelete(() => makeFolder('movie1/new'));
    expect(await deleteFolder(await startJob('voddelete', {}))).toMatchObject({
      message: '7 files, 70 bytes deleted',
    });
  });

  test.runIf(kind === 'local')('a link stays with its folder, and where it leads to', async () => {
    const outside = join(folder, 'outside');
    await mkdir(join(outside, 'empty'), { recursive: true });
    await makeFolder('movie1/old/none');
    await symlink(outside, join(storage.driver.root, 'movie1/old/link'));
    await deleteFolder(await startJob('voddelete', {}));
    expect(await readdir(join(storage.driver.root, 'movie1'))).toEqual(['old']);
    expect(await readdir(join(storage.driver.root, 'movie1/old'))).toEqual(['link']);
    expect(await readdir(outside)).toEqual(['empty']);
  });

  test.runIf(kind === 'local')('a name that is no text is refused, and nothing goes', async () => {
    const path = Buffer.from(join(storage.driver.root, 'movie1/old/'));
    await writeFile(Buffer.concat([path, Buffer.from([0x66, 0xfc])]), 'some bytes');
    const deleted = deleteFolder(await startJob('voddelete', {}));
    await expect(deleted).rejects.toThrow(/movie1\/old holds a name that is no UTF-8/);
    expect(await storage.allKeys()).toEqual(expect.arrayContaining(INSIDE));
  });

  test('a folder in which are empty folders alone fails, and they stay', async () => {
    await makeFolder('nothing/in/it');
    const deleted = deleteFolder(await startJob('voddelete', {}), 'nothing');
    await expect(deleted).rejects.toThrow('holds no files; nothing was deleted');
    const left: string[] = [];
    for await (const page of storage.driver.listBelow('nothing')) {
      left.push(...page.map((file) => file.key));
    }
    expect(left).toEqual(['nothing/in/it/']);
  });

  test('a dry run tells the files that go, and no folders', async () => {
    await makeFolder('movie1/empty');
    const lookUp = createSourceLookup({
      db: database.db,
      storages: deps().storages,
      findPlace,
    });
    const tenant = await getTenant(database.db, 'acme');
    if (tenant === undefined) throw new Error('no tenant');
    const plan = { kind: 'delete', storage: kind, folder: 'movie1', files: [], tasks: [] } as const;
    const found = await lookUp(tenant, plan);
    expect(found.files.map((file) => ('path' in file ? file.path : '')).sort()).toEqual(
      INSIDE.map((key) => storage.driver.fullPath(key)).sort(),
    );
  });

  test('players lose the manifests before the media', async () => {
    const seen: string[][] = [];
    watched.before = async (call: Call) => {
      if (call === 'delete') seen.push([...(await storage.allKeys())]);
    };
    await deleteFolder(await startJob('voddelete', {}));
    const [, second, third] = seen;
    expect(second).not.toContain('movie1/movie1.m3u8');
    expect(second).toContain('movie1/movie1-7-video-1.m3u8');
    expect(third).not.toContain('movie1/movie1-7-video-1.m3u8');
    expect(third).toContain('movie1/movie1-7-video-1.mp4');
  });

  test('a folder without files fails and says so; the publications of the deleted are forgotten', async () => {
    await publish('movie1', ['movie1/movie1.m3u8']);
    await publish('movie1/old', ['movie1/old/x.m3u8']);
    await publish('movie10', ['movie10/movie1.m3u8']);
    await deleteFolder(await startJob('voddelete', {}));
    expect([await publishedIn('movie1'), await publishedIn('movie1/old')]).toEqual([[], []]);
    expect(await publishedIn('movie10')).toEqual(['movie10/movie1.m3u8']);
    const again = deleteFolder(await startJob('voddelete', {}));
    await expect(again).rejects.toThrow(
      `${storage.driver.fullPath('movie1')} holds no files; nothing was deleted`,
    );
    await expect(again).rejects.toMatchObject({ isTerminal: true });
  });

  test('an attempt cut off half way is ended by the retry, which tells all that went', async () => {
    const task = await startJob('voddelete', {});
    let deletes = 0;
    watched.before = async (call) => {
      if (call === 'delete' && ++deletes === 3) throw new Error('the wire was cut');
    };
    await expect(deleteFolder(task)).rejects.toThrow('the wire was cut');
    expect((await storage.allKeys()).some((key) => key.startsWith('movie1/'))).toBe(true);
    watched.before = async () => undefined;
    await deleteFolder(await retry(task));
    expect(await storage.allKeys()).toEqual([...NEIGHBOURS].sort());
    expect((await resultOf(task))?.files).toHaveLength(INSIDE.length);
  });

  test('an attempt that lost its task deletes nothing more', async () => {
    const task = await startJob('voddelete', {});
    await retry(task);
    await expect(deleteFolder(task)).rejects.toMatchObject({ type: 'Superseded' });
    expect(await storage.allKeys()).toHaveLength(NEIGHBOURS.length + INSIDE.length);
    expect((await resultOf(task)) ?? null).toBeNull();
  });

  test('an attempt whose hold on its task broke deletes nothing more', async () => {
    const task = await startJob('voddelete', {});
    afterDelete(() =>
      sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'`.execute(
        database.db,
      ),
    );
    await expect(deleteFolder(task)).rejects.toThrow(/terminat|connection|ECONNRESET|EPIPE/i);
    expect(await storage.allKeys()).toEqual(
      expect.arrayContaining(['movie1/movie1-7-video-1.m3u8', 'movie1/movie1-7-video-1.mp4']),
    );
  });

  test('a file that somebody writes meanwhile fails the job and is named', async () => {
    const late = 'movie1/late.mp4';
    afterDelete(() => put(late));
    await expect(deleteFolder(await startJob('voddelete', {}))).rejects.toThrow(
      `${storage.driver.fullPath(late)} is there although all below`,
    );
  });

  test('a name that would lead out of the folder is refused, and nothing goes', async () => {
    watched.listBelow = async function* () {
      yield [{ key: 'movie1/../movie10/movie1.m3u8', sizeBytes: 10, modifiedMs: 0 }];
    };
    await expect(deleteFolder(await startJob('voddelete', {}))).rejects.toThrow(
      'movie1/../movie10/movie1.m3u8 has a part "." or "..";',
    );
    expect(await neighbours()).toEqual([...NEIGHBOURS].sort());
    expect(watched.calls.some(({ call }) => call === 'delete')).toBe(false);
  });

  test('a cancelled job stops between two calls', async () => {
    const task = await startJob('voddelete', {});
    watched.before = async (call) => {
      if (call === 'delete') task.controller.abort(new Error('cancelled'));
    };
    await expect(deleteFolder(task)).rejects.toThrow('cancelled');
    expect(await storage.allKeys()).toContain('movie1/movie1-7-video-1.mp4');
  });

  test('more files than one call takes go, each told once', async () => {
    const many = Array.from({ length: 1100 }, (_, at) => `many/sub/${at}.bin`);
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let at = lane; at < many.length; at += 8) await put(many[at] ?? '');
      }),
    );
    const task = await startJob('voddelete', {});
    await deleteFolder(task, 'many');
    expect((await storage.allKeys()).filter((key) => key.startsWith('many'))).toEqual([]);
    expect(new Set((await resultOf(task))?.files).size).toBe(1100);
  });

  test('single files go, those that are not there are left out of what is told', async () => {
    await publish('movie1', ['movie1/movie1.m3u8', 'movie1/movie1.mpd']);
    const files = ['movie1/movie1.mpd', 'movie1/none.mp4', 'movie1.mp4'];
    const task = await startJob('asset_delete', { content_id: 'c', files });
    expect(await deleteFiles(task)).toEqual({ message: '2 files, 20 bytes deleted' });
    const left = [...NEIGHBOURS, ...INSIDE].filter((key) => !files.includes(key));
    expect(await storage.allKeys()).toEqual(left.sort());
    expect(await resultOf(task)).toEqual({
      message: files.join(', '),
      files: ['movie1/movie1.mpd', 'movie1.mp4'].map((key) => storage.driver.fullPath(key)),
    });
    expect(task.notes).toEqual(['WARN 1 of 3 files were not there: movie1/none.mp4']);
    expect(await publishedIn('movie1')).toEqual(['movie1/movie1.m3u8']);
  });

  test.runIf(kind !== 'local')(
    'files in a bucket that is not there are not told as gone',
    async () => {
      const task = await startJob('asset_delete', { content_id: 'c', files: ['a.mp4'] });
      const driver =
        kind === 'S3'
          ? await newBucket().then(({ client, settings }) =>
              createS3Storage(client, { ...settings, bucket: 'no-such-bucket-here' }),
            )
          : await newContainer().then(async ({ client, settings }) => {
              await client.delete();
              return createAzureStorage(client, settings);
            });
      watched = new WatchedStorage(driver);
      await expect(deleteFiles(task)).rejects.toThrow(/NoSuchBucket|ContainerNotFound/);
    },
  );

  test('an asset_delete whose worker was lost tells after its retry what the first attempt deleted', async () => {
    const files = ['movie1/movie1.m3u8', 'movie1/movie1-7-video-1.mp4'];
    const asked = [...files, 'movie1/none.mp4'];
    const task = await startJob('asset_delete', { content_id: 'c', files: asked });
    let deletes = 0;
    watched.before = async (call) => {
      if (call === 'delete' && ++deletes === 2) throw new Error('the worker is gone');
    };
    await expect(deleteFiles(task)).rejects.toThrow('the worker is gone');
    watched.before = async () => undefined;
    const second = await retry(task);
    await deleteFiles(second);
    expect(second.notes).toEqual(['WARN 1 of 3 files were not there']);
    expect((await resultOf(task))?.files).toEqual(files.map((key) => storage.driver.fullPath(key)));
    expect(await storage.allKeys()).not.toContain(files[1]);
  });

  test('a file of the neighbour tenant cannot be named', async () => {
    const task = await startJob('asset_delete', { content_id: 'c', files: ['../other/x'] });
    await expect(deleteFiles(task)).rejects.toThrow(/files\.0 has a part/);
    expect(await neighbours()).toEqual([...NEIGHBOURS].sort());
  });
});
