import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../activities/files/cleanup.ts';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { createSweepUploads } from '../../../activities/schedule/sweep-uploads.ts';
import { STORAGE_KINDS, type StorageKind } from '../../../src/domain/storage-kind.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { claimTask } from '../../../src/store/tasks.ts';
import { createPublication } from '../../../worker/publication.ts';
import { createRestoration } from '../../../worker/restoration.ts';
import { createUploads } from '../../../worker/uploads.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { LOG } from '../schedule/scene.ts';
import { faultsOf, ManifestSampler } from './manifest-sampler.ts';
import { type Call, Scene, TestTask } from './scene.ts';
import { addTenant } from '../../helpers/tenant.ts';

const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];
const PASS = { signal: new AbortController().signal, heartbeat: () => undefined };

let database: TestDatabase;
let storage: TestStorage;
let scene: Scene;

beforeAll(async () => {
  database = await createTestDatabase();
  for (const name of ['acme', 'other']) {
    await addTenant(database.db, name);
  }
  // what is replaced goes at once: these tests count what is there
  await sql`INSERT INTO system_settings (name, setting) VALUES ('undo_window', '0')`.execute(
    database.db,
  );
});

afterAll(() => database.drop());

async function setUp(kind: StorageKind): Promise<void> {
  await sql`TRUNCATE uploads, publications, former_publications`.execute(database.db);
  storage = await openTestStorage(kind);
  scene = await Scene.create({ output: storage.driver });
}

afterEach(async () => {
  await scene.remove();
  await storage.remove();
});

/** What the tasks are given: ownership and records in Postgres. */
const deps = (storages: Storages = scene.storages) => ({
  workRoot: scene.workRoot,
  storages,
  publication: createPublication(database),
  uploads: createUploads({ db: database.db, log: LOG }),
  restoration: createRestoration(database),
});

const sweep = (storages?: Storages) => createSweepUploads(deps(storages))(PASS);

/** Lets everything be due now, as if its waits had passed. */
const passTime = () => sql`UPDATE uploads SET due_at = now()`.execute(database.db);

const rows = async (): Promise<
  readonly { job_id: number; attempts: number; last_error: string }[]
> =>
  (
    await sql<{
      job_id: number;
      attempts: number;
      last_error: string;
    }>`SELECT job_id, attempts, last_error FROM uploads ORDER BY job_id`.execute(database.db)
  ).rows;

/** A job whose publish has started, staged, as its first attempt. */
async function startJob(options: { tenant?: string; tracks?: number } = {}): Promise<TestTask> {
  const { db } = database;
  const { rows: jobs } = await sql<{ id: number }>`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
    SELECT id, 'vodstream', 'film', 5, 1, '{}', false, 'film' FROM tenants
    WHERE name = ${options.tenant ?? 'acme'} RETURNING id`.execute(db);
  const task = new TestTask(jobs[0]?.id ?? 0, 1);
  await sql`
    INSERT INTO tasks (job_id, number, name, event, started_at)
    VALUES (${task.jobId}, ${task.taskNumber}, 'publish', 'start', now())`.execute(db);
  await claimTask(db, task);
  await scene.stage(task.jobId, options.tracks === undefined ? {} : { tracks: options.tracks });
  return task;
}

/** Closes a job and its task, as the reconciler does with a terminated one. */
const endJob = (jobId: number) =>
  sql`
    WITH task AS (UPDATE tasks SET ended_at = now() WHERE job_id = ${jobId})
    UPDATE jobs SET ended_at = now(), queue_state = 2, failed = true WHERE id = ${jobId}`.execute(
    database.db,
  );

const publish = (task: TestTask, kind: StorageKind, storages?: Storages, tenant = 'acme') =>
  createPublish(deps(storages))(task, scene.publishInput(task.jobId, { storage: kind, tenant }));

/**
 * Runs a publish whose worker dies at its n-th upload or move, before or after that is done: nothing of
 * it touches the storage any more.
 */
async function killAt(
  task: TestTask,
  kind: StorageKind,
  nth: number,
  when: 'before' | 'after',
): Promise<void> {
  let count = 0;
  let isDead = false;
  const output = scene.watchOutput();
  const hit = (now: 'before' | 'after') => async (call: Call) => {
    if (now === 'before' && isDead) throw new Error('dead');
    if (now !== when || (call !== 'upload' && call !== 'move')) return;
    count += 1;
    if (count < nth) return;
    isDead = true;
    throw new Error('killed');
  };
  output.before = hit('before');
  output.after = hit('after');
  output.dropOpenUploads = () => Promise.reject(new Error('dead'));
  await expect(publish(task, kind, storagesOver(output))).rejects.toThrow(/killed|dead/);
}

const storagesOver = (output: StorageDriver): Storages => ({
  open: async ({ side }) => (side === 'input' ? scene.input : output),
});

const played = () => ({ storage: storage.driver, folder: 'vod/film' });

/** Every key with the version or time of what is under it. */
const snapshot = async (): Promise<ReadonlyMap<string, unknown>> => {
  const listed = new Map((await storage.driver.list('vod/film')).map((file) => [file.key, file]));
  return new Map((await storage.allKeys()).map((key) => [key, listed.get(key)]));
};

/** Tracks, captions, playlists; the MP4, metadata, thumbnail and manifests. */
const UPLOADS = 3 + 1 + 4 + 5;
const MOVES = 5;

/** Tracks, captions and their playlists of a large asset, without its files of fixed names. */
const MANY_FILES = 500;

describe.each(STORAGE_KINDS)('what dead jobs leave in %s', (kind) => {
  beforeEach(() => setUp(kind));

  test('a job that never runs again after its worker died at any upload leaves the asset on air and nothing else', async () => {
    await publish(await startJob(), kind);
    const before = await snapshot();
    const sampler = new ManifestSampler(played(), MANIFESTS, 50);
    for (let nth = 1; nth <= UPLOADS; nth++) {
      const task = await startJob();
      await killAt(task, kind, nth, nth % 2 === 0 ? 'before' : 'after');
      await sweep();
      // a retry may still come: what it will need is not touched
      if (nth > 5) expect((await storage.allKeys()).length).toBeGreaterThan(before.size);
      await endJob(task.jobId);
      await sweep();
      expect(await snapshot()).toEqual(before);
    }
    await sampler.stop();
    expect(sampler.violations).toEqual([]);
    expect(await storage.openUploads()).toBe(0);
    await passTime();
    await sweep();
    expect(await rows()).toEqual([]);
  });

  test('an asset of 500 files replaces another whole, wherever its worker dies, and no player sees it', async () => {
    const tracks = (MANY_FILES - 2) / 2;
    await publish(await startJob({ tracks }), kind);
    const before = await snapshot();
    expect(before.size).toBe(MANY_FILES + MOVES);
    const sampler = new ManifestSampler(played(), MANIFESTS, 50);

    const dead = await startJob({ tracks });
    await killAt(dead, kind, MANY_FILES / 2, 'after');
    await endJob(dead.jobId);
    await sweep();
    expect(await snapshot()).toEqual(before);

    for (const nth of [MANY_FILES + MOVES, MANY_FILES + MOVES + 4]) {
      const task = await startJob({ tracks });
      await killAt(task, kind, nth, 'after');
      if (nth === MANY_FILES + MOVES) {
        const still = await snapshot();
        for (const [key, found] of before) expect([key, still.get(key)]).toEqual([key, found]);
      }
      const retry = new TestTask(task.jobId, 2);
      expect(await claimTask(database.db, retry)).toBe(true);
      await publish(retry, kind);
      const keys = await storage.allKeys();
      expect(keys).toHaveLength(MANY_FILES + MOVES);
      expect(keys.filter((key) => key.includes(`-${task.jobId}-`))).toHaveLength(MANY_FILES);
      for (const manifest of MANIFESTS) expect(await faultsOf(played(), manifest)).toEqual([]);
    }
    await sampler.stop();
    expect(sampler.violations).toEqual([]);
    expect(sampler.samples).toBeGreaterThan(1);
    expect(await storage.openUploads()).toBe(0);
  }, 120_000);

  test('a first publication that broke off at any file of the switch is taken back to the last file', async () => {
    for (let nth = UPLOADS + 1; nth <= UPLOADS + MOVES; nth++) {
      for (const when of ['before', 'after'] as const) {
        const task = await startJob();
        await killAt(task, kind, nth, when);
        expect((await storage.allKeys()).length).toBeGreaterThan(0);
        await endJob(task.jobId);
        await sweep();
        expect(await storage.allKeys()).toEqual([]);
      }
    }
  });

  test('where the switch over an older asset broke off, both manifests play until the next publish, which leaves nothing of it', async () => {
    await publish(await startJob(), kind);
    const task = await startJob();
    // the DASH manifest is the new one, the HLS one the old
    await killAt(task, kind, UPLOADS + 4, 'after');
    await endJob(task.jobId);
    await sweep();
    const keys = await storage.allKeys();
    expect(keys.filter((key) => key.includes('.te-'))).toEqual([]);
    for (const manifest of MANIFESTS) expect(await faultsOf(played(), manifest)).toEqual([]);
    await publish(await startJob(), kind);
    await sweep();
    expect((await storage.allKeys()).filter((key) => key.includes(`-${task.jobId}-`))).toEqual([]);
    for (const manifest of MANIFESTS) expect(await faultsOf(played(), manifest)).toEqual([]);
  });

  test('clean-up takes back what a killed publish has left, and keeps what is published', async () => {
    await publish(await startJob(), kind);
    const before = await snapshot();
    const task = await startJob();
    await killAt(task, kind, 9, 'after');
    await sql`UPDATE tasks SET ended_at = now() WHERE job_id = ${task.jobId}`.execute(database.db);
    await createCleanup(deps())(new TestTask(task.jobId), { jobId: task.jobId });
    expect(await snapshot()).toEqual(before);
    expect(await readdir(scene.workRoot)).not.toContain(`job-${task.jobId}`);
  });

  test('an attempt that was frozen and writes after the sweep is found at the second look', async () => {
    const task = await startJob();
    const frozen = scene.watchOutput();
    const gate = Promise.withResolvers<void>();
    const isFrozen = Promise.withResolvers<void>();
    frozen.before = async (call, _key, count) => {
      if (call === 'upload' && count > 4) await gate.promise;
    };
    let done = 0;
    frozen.after = async () => {
      if (++done === 4) isFrozen.resolve();
    };
    const outcome = publish(task, kind, storagesOver(frozen)).catch((error: unknown) => error);
    await isFrozen.promise;
    await endJob(task.jobId);
    await sweep();
    expect(await storage.allKeys()).toEqual([]);
    gate.resolve();
    expect(await outcome).toMatchObject({ type: 'Superseded' });
    expect((await storage.allKeys()).length).toBeGreaterThan(0);
    // it knows that it was cut off, and says so
    await sweep();
    expect(await storage.allKeys()).toEqual([]);
    await passTime();
    await sweep();
    expect(await rows()).toEqual([]);
  });

  test('a storage that is down holds up neither the end of its job nor the files of another client', async () => {
    const task = await startJob();
    await killAt(task, kind, 9, 'after');
    await endJob(task.jobId);
    const other = await startJob({ tenant: 'other' });
    await endJob(other.jobId);
    await sql`
      INSERT INTO uploads (job_id, task_number, tenant_id, storage, folder, location, asset, keys, fixed_keys)
      SELECT ${other.jobId}, task_number, (SELECT id FROM tenants WHERE name = 'other'), 'local', folder,
             'local:' || ${scene.input.fullPath('vod/film')}, asset, keys, fixed_keys
      FROM uploads`.execute(database.db);
    const left = await scene.putSource('vod/film/.te-left.mp4', 'left');
    await sql`UPDATE uploads SET keys = keys || '{vod/film/.te-left.mp4}' WHERE job_id = ${other.jobId}`.execute(
      database.db,
    );
    const down = scene.watchOutput();
    down.before = () => Promise.reject(new Error('no answer'));
    const storages: Storages = {
      open: async ({ tenant }) => (tenant === 'other' ? scene.input : down),
    };
    await createCleanup(deps(storages))(new TestTask(task.jobId), { jobId: task.jobId });
    await passTime();
    await sweep(storages);
    await expect(open(left)).rejects.toThrow('ENOENT');
    expect(await rows()).toMatchObject([
      { job_id: task.jobId, attempts: 2, last_error: 'no answer' },
      { job_id: other.jobId, attempts: 0 },
    ]);
    await passTime();
    await sweep();
    expect(await storage.allKeys()).toEqual([]);
    const log = await listLogs(database.db, task.jobId, { withInvisible: true });
    expect(log.map((row) => row.message)).toEqual([
      'Files that this job did not publish may be left for now: no answer',
      'Files that this job did not publish are gone',
    ]);
  });

  test('uploads that were begun and not ended are removed, and can be ended by nobody any more', async () => {
    const path = join(scene.base, 'large.mp4');
    const file = await open(path, 'w');
    await file.truncate(40 * 1024 * 1024);
    await file.close();
    const { driver } = storage;
    const gate = Promise.withResolvers<void>();
    let isHalf = false;
    const uploading = driver
      .upload(path, 'vod/film/film-1-video.mp4', {
        onProgress: () => {
          if (isHalf) return;
          isHalf = true;
          gate.resolve();
        },
      })
      .catch((error: unknown) => error);
    await gate.promise;
    await driver.dropOpenUploads(['vod/film/film-1-video.mp4']);
    expect(await uploading).toBeInstanceOf(Error);
    expect(await storage.allKeys()).toEqual([]);
    expect(await storage.openUploads()).toBe(0);
  });
});
