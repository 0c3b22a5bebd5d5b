import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect } from 'vitest';
import type { PublishInput } from '../../../activities/files/contract.ts';
import { createTakeBack } from '../../../activities/files/publish/left-uploads.ts';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { createRestorePublication } from '../../../activities/files/undo/restore-publication.ts';
import { createPurgeFormers } from '../../../activities/schedule/purge-formers.ts';
import { createSweepUploads } from '../../../activities/schedule/sweep-uploads.ts';
import type { StorageKind } from '../../../src/domain/storage-kind.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import type { Db } from '../../../src/store/db.ts';
import { undoJob } from '../../../src/store/undo.ts';
import { createPublication } from '../../../worker/publication.ts';
import { createRestoration } from '../../../worker/restoration.ts';
import { createUploads } from '../../../worker/uploads.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { addTenant } from '../../helpers/tenant.ts';
import { faultsOf } from './manifest-sampler.ts';
import { RunningJobs } from './running-jobs.ts';
import { type Call, Scene, type TestTask } from './scene.ts';

/** The folder of the asset. */
export const FOLDER = 'vod/film';
/** Names of the asset's manifests. */
export const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];
/** Files that a publish uploads before it keeps and switches those of fixed names. */
export const UPLOADS = 13;
/** Metadata, poster, MP4 and the two manifests. */
export const FIXED = 5;

const LOG = pino({ level: 'silent' });
const PASS = { signal: new AbortController().signal, heartbeat: () => undefined };
const nothing = async (): Promise<void> => undefined;

/** A database of its own with tenant `acme`, for the tests of a file. */
export function useTenant(): { readonly db: Db; readonly tenantId: number } {
  let database: TestDatabase;
  let tenantId: number;
  beforeAll(async () => {
    database = await createTestDatabase();
    tenantId = await addTenant(database.db);
  });
  afterAll(() => database.drop());
  return {
    get db() {
      return database.db;
    },
    get tenantId() {
      return tenantId;
    },
  };
}

/** One asset that jobs publish, replace and put back, in a real storage and with real records. */
export class AssetScene {
  readonly jobs: RunningJobs;
  readonly storage: TestStorage;
  readonly scene: Scene;
  private readonly db: Db;

  private constructor(db: Db, tenantId: number, storage: TestStorage, scene: Scene) {
    this.db = db;
    this.jobs = new RunningJobs(db, tenantId);
    this.storage = storage;
    this.scene = scene;
  }

  /** An empty folder of tenant `acme`, whose `undo_window` is an hour. */
  static async create(db: Db, tenantId: number, kind: StorageKind): Promise<AssetScene> {
    const storage = await openTestStorage(kind);
    const scene = await Scene.create({ output: storage.driver });
    const assets = new AssetScene(db, tenantId, storage, scene);
    await assets.jobs.setWindow(3600);
    return assets;
  }

  async remove(): Promise<void> {
    // the next scene's folder is another one
    await sql`TRUNCATE uploads, former_publications, publications`.execute(this.db);
    await this.scene.remove();
    await this.storage.remove();
  }

  private get deps() {
    return {
      ...this.scene.deps,
      publication: createPublication({ db: this.db }),
      uploads: createUploads({ db: this.db, log: LOG }),
      restoration: createRestoration({ db: this.db }),
    };
  }

  /** Starts a job that is about to publish. */
  async startPublish(): Promise<TestTask> {
    const jobId = await this.jobs.insert();
    await this.scene.stage(jobId);
    return this.jobs.startTask(jobId);
  }

  publishAttempt = (task: TestTask, changes: Partial<PublishInput> = {}) => {
    const { kind } = this.storage.driver;
    const input = this.scene.publishInput(task.jobId, { storage: kind, ...changes });
    return createPublish(this.deps)(task, input);
  };

  /** Runs a job that publishes, to its end. */
  async publish(changes: Partial<PublishInput> = {}): Promise<number> {
    const task = await this.startPublish();
    await this.publishAttempt(task, changes);
    await this.jobs.end(task.jobId);
    return task.jobId;
  }

  /** Runs a job whose worker is killed at the n-th call that changes the folder, and which never runs again. */
  async publishKilled(nth: number, changes: Partial<PublishInput> = {}): Promise<number> {
    const task = await this.startPublish();
    const { output } = this.scene;
    const isDead = true;
    this.failAt(nth, 'before', isDead);
    const dropOpenUploads = output.dropOpenUploads;
    output.dropOpenUploads = () => Promise.reject(new Error('dead'));
    await expect(this.publishAttempt(task, changes)).rejects.toThrow('the wire was cut');
    output.dropOpenUploads = dropOpenUploads;
    this.heal();
    await this.jobs.end(task.jobId, true);
    return task.jobId;
  }

  restoreAttempt = (task: TestTask, undoneJobId: number) =>
    createRestorePublication(this.deps)(task, { jobId: task.jobId, tenant: 'acme', undoneJobId });

  /** Asks for an undo and starts its job. */
  async startUndo(jobId: number): Promise<TestTask> {
    const outcome = await undoJob(this.db, this.jobs.tenantId, jobId);
    if (outcome.kind !== 'accepted') throw new Error(`refused: ${outcome.kind}`);
    await sql`UPDATE jobs SET queue_state = 1 WHERE id = ${outcome.jobId}`.execute(this.db);
    return this.jobs.startTask(outcome.jobId);
  }

  /** Deletes what cannot be put back any more. */
  sweepFormers = () => createPurgeFormers({ db: this.db, log: LOG, ...this.deps })(PASS);

  /** Takes back what ended jobs have left. */
  sweepUploads = () => createSweepUploads(this.deps)(PASS);

  /** Takes back what an ended job has left, within a time. */
  takeBackWithin = (longestMs: number) =>
    this.deps.uploads.takeBack({ busy: [] }, createTakeBack(this.deps, PASS.signal, longestMs));

  /** Lets what ended jobs have left be due now. */
  hastenUploads = () => sql`UPDATE uploads SET due_at = now()`.execute(this.db);

  /** Lets every `undo_window` be over. */
  closeWindow = () =>
    sql`UPDATE former_publications SET kept_until = now(), due_at = now()`.execute(this.db);

  /** Puts files into the folder that no job has published. */
  async putForeign(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const path = join(this.scene.base, 'foreign');
      await writeFile(path, randomBytes(400 + name.length));
      await this.storage.driver.upload(path, joinKey(FOLDER, name));
    }
  }

  /** Keys of files on their way, and of copies that are kept. */
  async hiddenKeys(): Promise<readonly string[]> {
    return (await this.storage.allKeys()).filter((key) => key.includes('/.te-'));
  }

  /** Every file of the storage with the hash of its bytes. */
  async contents(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const key of await this.storage.allKeys()) {
      const bytes = await buffer(await this.storage.driver.read(key));
      found.set(key, createHash('sha256').update(bytes).digest('hex'));
    }
    return found;
  }

  played = () => ({ storage: this.storage.driver, folder: FOLDER });

  async expectPlayable(): Promise<void> {
    for (const manifest of MANIFESTS) {
      expect(await this.storage.driver.stat(joinKey(FOLDER, manifest))).toBeDefined();
      expect(await faultsOf(this.played(), manifest)).toEqual([]);
    }
  }

  /** Makes the n-th of the calls that change the folder fail, before or after it was done. */
  failAt(nth: number, when: 'before' | 'after', isDeadThen = false): void {
    const counted: readonly Call[] = ['upload', 'copy', 'move', 'delete'];
    let count = 0;
    const hit = async (call: Call): Promise<void> => {
      if (!counted.includes(call)) return;
      count += 1;
      if (count === nth || (isDeadThen && count > nth)) throw new Error('the wire was cut');
    };
    this.scene.output.before = when === 'before' ? hit : nothing;
    this.scene.output.after = when === 'after' ? hit : nothing;
  }

  heal(): void {
    this.scene.output.before = nothing;
    this.scene.output.after = nothing;
  }
}
