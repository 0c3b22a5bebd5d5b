import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createDeleteAsset } from '../../../activities/files/delete/delete-asset.ts';
import { createDeleteFiles } from '../../../activities/files/delete/delete-files.ts';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import type { FindPlace } from '../../../src/storage/find-place.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { listPublishedFiles, replacePublication } from '../../../src/store/publications.ts';
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
    replacePublication(
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
    expect(task.notes).toEqual(['WARN 1 of 3 files were not there']);
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
    const task = await startJob('asset_delete', { content_id: 'c', files });
    let deletes = 0;
    watched.before = async (call) => {
      if (call === 'delete' && ++deletes === 2) throw new Error('the worker is gone');
    };
    await expect(deleteFiles(task)).rejects.toThrow('the worker is gone');
    watched.before = async () => undefined;
    await deleteFiles(await retry(task));
    expect((await resultOf(task))?.files).toEqual(files.map((key) => storage.driver.fullPath(key)));
    expect(await storage.allKeys()).not.toContain(files[1]);
  });

  test('a file of the neighbour tenant cannot be named', async () => {
    const task = await startJob('asset_delete', { content_id: 'c', files: ['../other/x'] });
    await expect(deleteFiles(task)).rejects.toThrow(/files\.0 has a part/);
    expect(await neighbours()).toEqual([...NEIGHBOURS].sort());
  });
});
