import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { createRestorePublication } from '../../../activities/files/undo/restore-publication.ts';
import { createPurgeFormers } from '../../../activities/schedule/purge-formers.ts';
import type { PublishInput } from '../../../activities/files/contract.ts';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { claimTask } from '../../../src/store/tasks.ts';
import { undoJob } from '../../../src/store/undo.ts';
import { createPublication } from '../../../worker/publication.ts';
import { createRestoration } from '../../../worker/restoration.ts';
import { createUploads } from '../../../worker/uploads.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { faultsOf, ManifestSampler } from './manifest-sampler.ts';
import { type Call, Scene, TestTask } from './scene.ts';
import { addTenant } from '../../helpers/tenant.ts';

const FOLDER = 'vod/film';
const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];
/** Files that a publish uploads before it keeps and switches those of fixed names. */
const UPLOADS = 13;
/** Metadata, poster, MP4 and the two manifests. */
const FIXED = 5;

let database: TestDatabase;
let tenantId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await addTenant(database.db);
});

afterAll(() => database.drop());

async function setWindow(seconds: number): Promise<void> {
  await sql`
    INSERT INTO settings (tenant_id, name, setting) VALUES (${tenantId}, 'undo_window', ${seconds})
    ON CONFLICT (tenant_id, name) DO UPDATE SET setting = excluded.setting`.execute(database.db);
}

/** Starts a task of a job and makes its first attempt the owner. */
async function startTask(jobId: number): Promise<TestTask> {
  const task = new TestTask(jobId);
  await sql`
    INSERT INTO tasks (job_id, number, name, event, started_at)
    VALUES (${jobId}, ${task.taskNumber}, 'task', 'start', now())`.execute(database.db);
  await claimTask(database.db, task);
  return task;
}

async function insertRunningJob(): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
    VALUES (${tenantId}, 'vodstream', 'film 1', 5, 1, '{}', false, 'film') RETURNING id`.execute(
    database.db,
  );
  return rows[0]?.id ?? 0;
}

const endJob = (jobId: number, isFailed = false) =>
  sql`UPDATE jobs SET queue_state = 2, failed = ${isFailed}, ended_at = now() WHERE id = ${jobId}`.execute(
    database.db,
  );

const retry = async (task: TestTask): Promise<TestTask> => {
  const next = new TestTask(task.jobId, task.attempt + 1);
  expect(await claimTask(database.db, next)).toBe(true);
  return next;
};

describe.each(STORAGE_KINDS)('undo in %s', (kind) => {
  let storage: TestStorage;
  let scene: Scene;

  beforeEach(async () => {
    await setWindow(3600);
    storage = await openTestStorage(kind);
    scene = await Scene.create({ output: storage.driver });
  });

  afterEach(async () => {
    // the next test's folder is another one
    await sql`TRUNCATE former_publications, publications`.execute(database.db);
    await scene.remove();
    await storage.remove();
  });

  const deps = () => ({
    ...scene.deps,
    publication: createPublication({ db: database.db }),
    uploads: createUploads({ db: database.db, log: pino({ level: 'silent' }) }),
    restoration: createRestoration({ db: database.db }),
  });

  const publishAttempt = (task: TestTask, changes: Partial<PublishInput> = {}) =>
    createPublish(deps())(task, scene.publishInput(task.jobId, { storage: kind, ...changes }));

  /** Runs a job that publishes, to its end. */
  async function publish(changes: Partial<PublishInput> = {}): Promise<number> {
    const jobId = await insertRunningJob();
    await scene.stage(jobId);
    await publishAttempt(await startTask(jobId), changes);
    await endJob(jobId);
    return jobId;
  }

  const restoreAttempt = (task: TestTask, undoneJobId: number) =>
    createRestorePublication(deps())(task, { jobId: task.jobId, tenant: 'acme', undoneJobId });

  /** Asks for an undo and starts its job. */
  async function startUndo(jobId: number): Promise<TestTask> {
    const outcome = await undoJob(database.db, tenantId, jobId);
    if (outcome.kind !== 'accepted') throw new Error(`refused: ${outcome.kind}`);
    await sql`UPDATE jobs SET queue_state = 1 WHERE id = ${outcome.jobId}`.execute(database.db);
    return startTask(outcome.jobId);
  }

  const sweep = () =>
    createPurgeFormers({ db: database.db, log: pino({ level: 'silent' }), ...deps() })({
      signal: new AbortController().signal,
      heartbeat: () => undefined,
    });

  const closeWindow = () =>
    sql`UPDATE former_publications SET kept_until = now(), due_at = now()`.execute(database.db);

  /** Every file of the output folder with the hash of its bytes. */
  async function contents(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const key of await storage.allKeys()) {
      const bytes = await buffer(await storage.driver.read(key));
      found.set(key, createHash('sha256').update(bytes).digest('hex'));
    }
    return found;
  }

  const played = () => ({ storage: storage.driver, folder: FOLDER });

  const expectPlayable = async (): Promise<void> => {
    for (const manifest of MANIFESTS) {
      expect(await storage.driver.stat(joinKey(FOLDER, manifest))).toBeDefined();
      expect(await faultsOf(played(), manifest)).toEqual([]);
    }
  };

  /** Makes the n-th of the calls that change the folder fail, before or after it was done. */
  const failAt = (nth: number, when: 'before' | 'after'): void => {
    const counted: readonly Call[] = ['upload', 'copy', 'move', 'delete'];
    let count = 0;
    const hit = async (call: Call): Promise<void> => {
      if (!counted.includes(call)) return;
      count += 1;
      if (count === nth) throw new Error('the wire was cut');
    };
    scene.output.before = when === 'before' ? hit : async () => undefined;
    scene.output.after = when === 'after' ? hit : async () => undefined;
  };

  const heal = (): void => {
    scene.output.before = async () => undefined;
    scene.output.after = async () => undefined;
  };

  test('puts every file of the former publication back, byte by byte, and deletes those of the undone', async () => {
    const first = await publish();
    const before = await contents();
    const firstResult = (await getJob(database.db, first))?.result;
    const second = await publish({ mp4Filename: 'other.mp4' });
    await expectPlayable();
    const sampler = new ManifestSampler(played(), MANIFESTS, 5);
    const task = await startUndo(second);
    const { message } = await restoreAttempt(task, second);
    await sampler.stop();
    expect(message).toBe(`the publication of job ${first} is on air again`);
    expect(await contents()).toEqual(before);
    expect((await getJob(database.db, task.jobId))?.result).toEqual(firstResult);
    expect(sampler.violations).toEqual([]);
    await expectPlayable();
    await sweep();
    expect(await contents()).toEqual(before);
  });

  test('the former files stay until the window is over, and go then', async () => {
    const first = await publish();
    const second = await publish();
    const names = async () => (await storage.allKeys()).map((key) => key.slice(FOLDER.length + 1));
    await sweep();
    expect((await names()).some((name) => name.includes(`-${first}-`))).toBe(true);
    await closeWindow();
    expect(await undoJob(database.db, tenantId, second)).toEqual({ kind: 'late' });
    await sweep();
    const left = await names();
    expect(left.filter((name) => name.includes(`-${first}-`) || name.startsWith('.te-'))).toEqual(
      [],
    );
    await expectPlayable();
    expect(await undoJob(database.db, tenantId, second)).toEqual({ kind: 'late' });
    expect(await undoJob(database.db, tenantId, first)).toEqual({ kind: 'unpublished' });
  });

  test('what a client puts under a name that the new asset has no more is not taken for the former one', async () => {
    await publish({ mp4Filename: 'old.mp4' });
    const before = await contents();
    const second = await publish({ mp4Filename: 'new.mp4' });
    const own = joinKey(FOLDER, 'old.mp4');
    expect(await storage.allKeys()).not.toContain(own);
    await storage.driver.copy(joinKey(FOLDER, 'film 1.jpg'), own);
    await closeWindow();
    await sweep();
    expect(await storage.allKeys()).toContain(own);
    await expectPlayable();
    await storage.driver.delete([own]);
    const third = await publish({ mp4Filename: 'old.mp4' });
    await restoreAttempt(await startUndo(third), third);
    expect(
      (await storage.allKeys()).filter((key) => key.endsWith('.mp4') && !key.includes('-')),
    ).toEqual([joinKey(FOLDER, 'new.mp4')]);
    expect(before.size).toBeGreaterThan(0);
    expect(second).toBeLessThan(third);
  });

  test('a third publication ends the time of the first', async () => {
    const first = await publish();
    const second = await publish();
    const afterSecond = await contents();
    const third = await publish();
    await sweep();
    const keys = await storage.allKeys();
    expect(keys.filter((key) => key.includes(`-${first}-`))).toEqual([]);
    expect(await undoJob(database.db, tenantId, second)).toEqual({
      kind: 'replaced',
      jobId: third,
    });
    await restoreAttempt(await startUndo(third), third);
    const restored = await contents();
    for (const name of MANIFESTS) {
      const key = joinKey(FOLDER, name);
      expect(restored.get(key)).toBe(afterSecond.get(key));
    }
    await expectPlayable();
  });

  test('with a window of 0 the former files go with the switch', async () => {
    await setWindow(0);
    const first = await publish();
    const second = await publish();
    const keys = await storage.allKeys();
    expect(keys.filter((key) => key.includes(`-${first}-`) || key.includes('.te-'))).toEqual([]);
    expect(await undoJob(database.db, tenantId, second)).toEqual({ kind: 'late' });
  });

  test('wherever a publish breaks off, the former can be put back after the retry as it was', async () => {
    await publish();
    const before = await contents();
    const step = kind === 'local' ? 1 : 4;
    for (let nth = UPLOADS + 1; nth <= UPLOADS + 2 * FIXED; nth += step) {
      const jobId = await insertRunningJob();
      await scene.stage(jobId);
      const task = await startTask(jobId);
      failAt(nth, nth % 2 === 0 ? 'before' : 'after');
      await expect(publishAttempt(task)).rejects.toThrow('the wire was cut');
      heal();
      await publishAttempt(await retry(task));
      await endJob(jobId);
      await expectPlayable();
      await restoreAttempt(await startUndo(jobId), jobId);
      expect([nth, await contents()]).toEqual([nth, before]);
    }
  });

  test('a publish that breaks off between two files of its switch leaves the former asset byte by byte', async () => {
    await publish();
    const before = await contents();
    for (const nth of [1, 2, 3]) {
      const jobId = await insertRunningJob();
      await scene.stage(jobId);
      failAt(UPLOADS + FIXED + nth, 'after');
      await expect(publishAttempt(await startTask(jobId))).rejects.toThrow('the wire was cut');
      heal();
      await endJob(jobId, true);
      expect([nth, await contents()]).toEqual([nth, before]);
    }
  });

  test('a job that is given up before its switch publishes nothing', async () => {
    await publish();
    const before = await contents();
    const jobId = await insertRunningJob();
    await scene.stage(jobId);
    let uploads = 0;
    scene.output.after = async (call) => {
      if (call !== 'upload' || ++uploads < UPLOADS) return;
      await sql`UPDATE jobs SET queue_state = 4 WHERE id = ${jobId}`.execute(database.db);
    };
    const published = publishAttempt(await startTask(jobId));
    await expect(published).rejects.toMatchObject({ type: 'Superseded' });
    heal();
    expect(uploads).toBe(UPLOADS);
    expect(await contents()).toEqual(before);
  });

  test('wherever an undo breaks off, players see an asset that plays, and the retry ends it', async () => {
    await publish();
    const before = await contents();
    const step = kind === 'local' ? 1 : 2;
    for (let nth = 1; nth <= FIXED + 1; nth += step) {
      const jobId = await publish();
      const task = await startUndo(jobId);
      failAt(nth, nth % 2 === 0 ? 'before' : 'after');
      await restoreAttempt(task, jobId).catch(() => undefined);
      await expectPlayable();
      heal();
      await restoreAttempt(await retry(task), jobId);
      await sweep();
      expect([nth, await contents()]).toEqual([nth, before]);
    }
  });

  test('an undo that was given up between two files leaves what the manifests on air name', async () => {
    await publish();
    const second = await publish();
    const task = await startUndo(second);
    failAt(FIXED - 1, 'after');
    await expect(restoreAttempt(task, second)).rejects.toThrow('the wire was cut');
    heal();
    await endJob(task.jobId, true);
    await closeWindow();
    await sweep();
    await expectPlayable();
  });

  test('a former publication a file of which is gone is not put back', async () => {
    const first = await publish();
    const second = await publish();
    const gone = (await storage.allKeys()).find((key) => key.includes(`-${first}-video`)) ?? '';
    await storage.driver.delete([gone]);
    const before = await contents();
    const undo = restoreAttempt(await startUndo(second), second);
    await expect(undo).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(undo).rejects.toThrow(
      `${storage.driver.fullPath(gone)} of the former publication`,
    );
    expect(await contents()).toEqual(before);
  });

  test('an attempt that lost its task puts nothing back', async () => {
    await publish();
    const second = await publish();
    const before = await contents();
    const task = await startUndo(second);
    await retry(task);
    await expect(restoreAttempt(task, second)).rejects.toMatchObject({ type: 'Superseded' });
    expect(await contents()).toEqual(before);
  });

  test('empty_target deletes all else in the folder after the switch, but for nested folders and what undo needs', async () => {
    const first = await publish();
    const before = await contents();
    const strangers = ['old.m3u8', 'old.mp4', 'notes.txt'].map((name) => joinKey(FOLDER, name));
    const nested = joinKey(FOLDER, 'other/asset.m3u8');
    const [some = ''] = before.keys();
    for (const key of [...strangers, nested]) await storage.driver.copy(some, key);
    // another asset of the folder, published twice: its copies for an undo go as well
    await publish({ asset: 'other', mp4Filename: 'other.mp4' });
    await publish({ asset: 'other', mp4Filename: 'other.mp4' });
    const second = await publish({ emptyTarget: true });
    await sweep();
    const keys = await storage.allKeys();
    for (const key of strangers) expect(keys).not.toContain(key);
    expect(keys).toContain(nested);
    await expectPlayable();
    await restoreAttempt(await startUndo(second), second);
    await storage.driver.delete([nested]);
    expect(await contents()).toEqual(before);
    expect(first).toBeLessThan(second);
  });
});

describe('who may undo what', () => {
  test('of two requests at once one makes the job', async () => {
    await sql`TRUNCATE former_publications, publications`.execute(database.db);
    const jobId = await insertRunningJob();
    await endJob(jobId);
    await sql`
      INSERT INTO publications (tenant_id, location, asset, job_id, files)
      VALUES (${tenantId}, 'local:/x', 'x', ${jobId}, '{}')`.execute(database.db);
    await sql`
      INSERT INTO former_publications (tenant_id, storage, folder, location, asset, job_id, replaced_by,
                                       files, kept_until, due_at)
      VALUES (${tenantId}, 'local', 'x', 'local:/x', 'x', 1, ${jobId}, '{}', now() + interval '1 hour',
              now() + interval '1 hour')`.execute(database.db);
    const outcomes = await Promise.all([1, 2, 3].map(() => undoJob(database.db, tenantId, jobId)));
    const made = outcomes.flatMap((one) => (one.kind === 'accepted' ? [one.jobId] : []));
    expect(made).toHaveLength(1);
    expect(outcomes.filter((one) => one.kind === 'undone')).toEqual([
      { kind: 'undone', jobId: made[0], isOpen: true },
      { kind: 'undone', jobId: made[0], isOpen: true },
    ]);
    await endJob(made[0] ?? 0, true);
    expect((await undoJob(database.db, tenantId, jobId)).kind).toBe('accepted');
  });

  test('only a job of the tenant that has ended and published', async () => {
    const jobId = await insertRunningJob();
    expect(await undoJob(database.db, tenantId, jobId)).toMatchObject({ kind: 'open' });
    await endJob(jobId);
    expect(await undoJob(database.db, tenantId, jobId)).toEqual({ kind: 'unpublished' });
    expect(await undoJob(database.db, tenantId + 1, jobId)).toEqual({ kind: 'unknown' });
  });
});
