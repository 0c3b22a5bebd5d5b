import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { PublishInput } from '../../../activities/files/contract.ts';
import type {
  Publication,
  PublicationPort,
  Replaced,
} from '../../../activities/files/publish/publication.ts';
import { DOCUMENTS, STAGE_FILES } from '../../../activities/media/documents.ts';
import { stageFolder, writeDocument } from '../../../activities/scratch.ts';
import type { UploadsPort } from '../../../activities/files/publish/uploads.ts';
import type { Task, TaskProgress } from '../../../activities/task.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import type { CaptionTrack, PackagedTrack } from '../../../src/media/packager/packaged-track.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createLocalStorage } from '../../../src/storage/local.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import type { Uploads } from '../../../src/store/uploads.ts';

/** One attempt of a task, with what it told. */
export class TestTask implements Task {
  readonly taskNumber = 8;
  readonly runId = 'run';
  readonly log = pino({ level: 'silent' });
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly notes: string[] = [];
  readonly told: TaskProgress[] = [];
  readonly jobId: number;
  readonly attempt: number;

  constructor(jobId: number, attempt = 1) {
    this.jobId = jobId;
    this.attempt = attempt;
  }

  progress = (update: TaskProgress): void => {
    this.told.push(update);
  };

  note = async (severity: string, message: string): Promise<void> => {
    this.notes.push(`${severity} ${message}`);
  };
}

/** What publishes are writing, in memory: one row for each job. */
export class MemoryUploads implements UploadsPort {
  readonly rows = new Map<number, Uploads>();
  private readonly isOwnerOf: (task: Task) => boolean;

  constructor(isOwnerOf: (task: Task) => boolean) {
    this.isOwnerOf = isOwnerOf;
  }

  record = async (task: Task, uploads: Uploads): Promise<void> => {
    if (!this.isOwnerOf(task)) throw new WorkError('Superseded', 'Another attempt took over');
    const former = this.rows.get(task.jobId);
    this.rows.set(task.jobId, {
      ...uploads,
      keys: [...new Set([...(former?.keys ?? []), ...uploads.keys])],
      made: { ...former?.made, ...uploads.made },
    });
  };

  isOwner = async (task: Task): Promise<boolean> => this.isOwnerOf(task);
  ownsTask = this.isOwner;

  madeBy = async (task: Task): Promise<Uploads['made']> => this.rows.get(task.jobId)?.made ?? {};

  forget = async (task: Task): Promise<void> => {
    if (this.isOwnerOf(task)) this.rows.delete(task.jobId);
  };

  revive = async (): Promise<void> => undefined;

  leftBy = async (): Promise<readonly number[]> => [];

  leftIn = async (): Promise<readonly never[]> => [];

  takeBack = async (): Promise<'nothing'> => 'nothing';
}

/** Ownership and publications in memory; the switch holds a lock, as the database's does. */
export class MemoryPublication implements PublicationPort {
  readonly published: Publication[] = [];
  readonly uploads = new MemoryUploads((task) => this.owners.get(task.jobId) === task.attempt);
  private readonly owners = new Map<number, number>();
  private lock: Promise<unknown> = Promise.resolve();

  /** Makes an attempt the owner of its task; waits for a switch that is under way. */
  async claim(task: TestTask): Promise<TestTask> {
    await this.locked(async () => {
      this.owners.set(task.jobId, Math.max(task.attempt, this.owners.get(task.jobId) ?? 0));
    });
    return task;
  }

  filesAt = async (tenant: string, location: string): Promise<readonly string[]> =>
    this.published
      .filter((one) => one.tenant === tenant && one.location === location)
      .flatMap((one) => one.files);

  switchOver = (
    task: Task,
    publication: Publication,
    writeManifests: Parameters<PublicationPort['switchOver']>[2],
  ): Promise<Replaced> =>
    this.locked(async () => {
      if (this.owners.get(task.jobId) !== task.attempt) {
        throw new WorkError('Superseded', 'Another attempt of this task took over');
      }
      await writeManifests(() => Promise.resolve(), undefined);
      const former = this.published.findLast(
        (one) => one.location === publication.location && one.asset === publication.asset,
      );
      this.published.push(publication);
      this.uploads.rows.delete(task.jobId);
      const dropped = (former?.files ?? []).filter((key) => !publication.files.includes(key));
      return { dropped, formerId: undefined };
    });

  private locked<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.lock.then(work);
    this.lock = result.catch(() => undefined);
    return result;
  }
}

/** The calls that change or read bytes, of which a test makes one fail or wait. */
export type Call = 'download' | 'upload' | 'copy' | 'move' | 'delete';

/** Real storage whose calls a test may intercept, and counts. */
export class WatchedStorage implements StorageDriver {
  readonly calls: { readonly call: Call; readonly key: string }[] = [];
  /** Runs before each call; what it throws is the call's failure. */
  before: (call: Call, key: string, count: number) => Promise<void> = async () => undefined;
  /** Runs after each call that was done; what it throws is the call's failure. */
  after: (call: Call) => Promise<void> = async () => undefined;
  private readonly disk: StorageDriver;

  constructor(disk: StorageDriver) {
    this.disk = disk;
  }

  get kind(): StorageDriver['kind'] {
    return this.disk.kind;
  }

  get root(): string {
    return this.disk.root;
  }

  get volume(): string {
    return this.disk.volume;
  }

  list: StorageDriver['list'] = (folder, signal) => this.disk.list(folder, signal);
  listBelow: StorageDriver['listBelow'] = (folder, signal) => this.disk.listBelow(folder, signal);
  stat: StorageDriver['stat'] = (key, signal) => this.disk.stat(key, signal);
  /** Bytes that were asked for by ranges. */
  readBytes = 0;
  read: StorageDriver['read'] = (key, options) => {
    this.readBytes += (options?.endByte ?? 0) - (options?.startByte ?? 0);
    return this.disk.read(key, options);
  };
  isUploaded: StorageDriver['isUploaded'] = (path, key) => this.disk.isUploaded(path, key);
  probe: StorageDriver['probe'] = (signal) => this.disk.probe(signal);
  fullPath: StorageDriver['fullPath'] = (key) => this.disk.fullPath(key);

  download: StorageDriver['download'] = async (key, path, options) => {
    await this.watch('download', key);
    return this.disk.download(key, path, options);
  };

  upload: StorageDriver['upload'] = async (path, key, options) => {
    await this.watch('upload', key);
    const written = await this.disk.upload(path, key, options);
    await this.after('upload');
    return written;
  };

  copy: StorageDriver['copy'] = async (fromKey, toKey) => {
    await this.watch('copy', toKey);
    await this.disk.copy(fromKey, toKey);
    await this.after('copy');
  };

  move: StorageDriver['move'] = async (fromKey, toKey) => {
    await this.watch('move', toKey);
    await this.disk.move(fromKey, toKey);
    await this.after('move');
  };

  delete: StorageDriver['delete'] = async (keys, signal) => {
    await this.watch('delete', keys.join(' '));
    return this.disk.delete(keys, signal);
  };

  dropOpenUploads: StorageDriver['dropOpenUploads'] = (keys, signal) =>
    this.disk.dropOpenUploads(keys, signal);

  private async watch(call: Call, key: string): Promise<void> {
    this.calls.push({ call, key });
    await this.before(call, key, this.calls.length);
  }
}

/** Folders of a tenant and of the engine, with what the file tasks are given. */
export class Scene {
  readonly publication = new MemoryPublication();
  /** The tenant’s `retry_delay`. */
  retryDelaySeconds = 0.005;
  readonly base: string;
  readonly workRoot: string;
  readonly input: WatchedStorage;
  readonly output: WatchedStorage;

  private readonly disk: StorageDriver;

  private constructor(base: string, input: StorageDriver, output: StorageDriver) {
    this.base = base;
    this.workRoot = join(base, 'work');
    this.input = new WatchedStorage(input);
    this.disk = output;
    this.output = this.watchOutput();
  }

  /**
   * `isOneRoot`: sources and assets lie in the same folders, as they do by default in production.
   * `input`, `output`: where sources and results are, where these are no folders of the scene.
   */
  static async create(
    options: {
      readonly isOneRoot?: boolean;
      readonly input?: StorageDriver;
      readonly output?: StorageDriver;
    } = {},
  ): Promise<Scene> {
    const base = await mkdtemp(join(tmpdir(), 'task-engine-files-'));
    const folder = join(base, options.isOneRoot === true ? 'input' : 'output');
    const scene = new Scene(
      base,
      options.input ?? createLocalStorage(join(base, 'input')),
      options.output ?? createLocalStorage(folder),
    );
    await mkdir(join(base, 'input'), { recursive: true });
    return scene;
  }

  readonly storages: Storages = {
    open: async ({ side }) => (side === 'input' ? this.input : this.output),
  };

  get deps() {
    return {
      workRoot: this.workRoot,
      storages: this.storages,
      publication: this.publication,
      retryDelaySeconds: async () => this.retryDelaySeconds,
      reserve: () => Promise.resolve(),
      uploads: this.publication.uploads,
      restoration: { purge: async () => undefined },
    };
  }

  /** The output folder as another worker process sees it. */
  watchOutput(): WatchedStorage {
    return new WatchedStorage(this.disk);
  }

  remove = (): Promise<void> => rm(this.base, { recursive: true, force: true });

  /** Puts a source file into the tenant's input folder. */
  async putSource(key: string, content: string | Buffer): Promise<string> {
    const path = join(this.base, 'input', key);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  /** Names in a folder of the output, hidden ones too. */
  async outputNames(folder: string): Promise<readonly string[]> {
    const names = await readdir(this.output.fullPath(folder)).catch((): string[] => []);
    return names.sort();
  }

  /**
   * Leaves in scratch what the tasks before `publish` leave there: tracks of random bytes, each a
   * fifth of a second of nothing, with captions, thumbnail, metadata and an MP4.
   */
  async stage(jobId: number, options: { readonly tracks?: number } = {}): Promise<void> {
    const folder = async (stage: Parameters<typeof stageFolder>[2]) => {
      const path = stageFolder(this.workRoot, jobId, stage);
      await mkdir(path, { recursive: true });
      return path;
    };
    const tracksFolder = await folder('tracks');
    const tracks: PackagedTrack[] = [];
    for (let at = 0; at < (options.tracks ?? 3); at++) {
      const bytes = randomBytes(1000 + at);
      const track = buildTrack(at, bytes.length);
      await writeFile(join(tracksFolder, track.fileName), bytes);
      tracks.push(track);
    }
    await writeDocument(tracksFolder, DOCUMENTS.tracks, tracks);

    const captionsFolder = await folder('captions');
    const vtt = `WEBVTT\n\n00:00.000 --> 00:01.000\njob ${jobId}\n`;
    await writeFile(join(captionsFolder, 'text_1.vtt'), vtt);
    const captions: CaptionTrack[] = [
      {
        fileName: 'text_1.vtt',
        originalName: 'a.vtt',
        language: 'en',
        cues: 1,
        sizeBytes: Buffer.byteLength(vtt),
      },
    ];
    await writeDocument(captionsFolder, DOCUMENTS.captions, captions);
    await writeFile(join(await folder('thumbnail'), STAGE_FILES.thumbnail), randomBytes(300));
    await writeFile(join(await folder('mp4'), STAGE_FILES.mp4), randomBytes(5000));
    await writeDocument(await folder('metadata'), DOCUMENTS.metadata, { jobId });
    await writeDocument(await folder('source'), 'fetched.json', []);
  }

  publishInput(jobId: number, changes: Partial<PublishInput> = {}): PublishInput {
    return {
      jobId,
      tenant: 'acme',
      storage: 'local',
      folder: 'vod/film',
      sourceStorage: 'local',
      sourceFolder: 'film',
      asset: 'film 1',
      mp4Filename: 'film.mp4',
      durationSeconds: 0.2,
      emptyTarget: false,
      ...changes,
    };
  }
}

/** 1 → `a`, 26 → `z`, 27 → `aa`. */
const letters = (at: number): string =>
  at === 0 ? '' : letters(Math.floor((at - 1) / 26)) + String.fromCharCode(97 + ((at - 1) % 26));

function buildTrack(at: number, sizeBytes: number): PackagedTrack {
  const isVideo = at === 0;
  return {
    kind: isVideo ? 'video' : 'audio',
    id: `track_${at}`,
    fileName: `track_${at}.mp4`,
    originalName: 'a.mp4',
    stagedName: 'source_1.mp4',
    streamIndex: at,
    kindIndex: Math.max(0, at - 1),
    codec: isVideo ? 'h264' : 'aac',
    codecs: isVideo ? 'avc1.64001f' : 'mp4a.40.2',
    language: isVideo ? 'und' : `x${letters(at)}`,
    containerLanguage: 'und',
    ...(isVideo
      ? { width: 640, height: 360, frameRate: '25/1' }
      : { channels: 2, sampleRate: 48_000 }),
    packets: 5,
    durationSeconds: 0.2,
    isDurationExact: true,
    startSeconds: 0,
    isPlainMp4: true,
    sizeBytes,
    sar: '1:1',
    bandwidth: 40_000,
    averageBandwidth: 40_000,
    packagedSeconds: 0.2,
    initEndByte: 100,
    indexStartByte: 100,
    indexEndByte: 200,
    segments: [{ startByte: 200, sizeBytes: sizeBytes - 200, durationSeconds: 0.2 }],
  };
}
