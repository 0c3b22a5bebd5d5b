import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import { buildManifests } from '../../src/media/asset/manifests.ts';
import { manifestNames } from '../../src/media/asset/names.ts';
import type { CaptionTrack, PackagedTrack } from '../../src/media/packager/packaged-track.ts';
import type { StorageDriver, StorageKind } from '../../src/storage/driver.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { DOCUMENTS, STAGE_FILES } from '../media/documents.ts';
import { jobScratch, readDocument, stageFolder } from '../scratch.ts';
import type { Task, TaskCode } from '../task.ts';
import { forEachParallel } from './parallel.ts';
import type { PublicationPort } from './publication.ts';
import { metadataName, thumbnailName } from './published-names.ts';

export interface PublishInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
  /** The job's own `output_root`, canonical, below the tenant's root. */
  readonly outputRoot: string | null;
  readonly folder: string;
  /** Stem of the asset's names. */
  readonly asset: string;
  /** Name of the MP4 where one was made. */
  readonly mp4Filename: string | null;
  readonly durationSeconds: number;
}

export interface PublishResult {
  readonly message: string;
}

interface Upload {
  readonly path: string;
  readonly name: string;
}

const PARALLEL_FILES = 4;

/**
 * Publishes an asset whole or not at all. Files that nothing refers to yet go first, under names of
 * this job; then, while this attempt is proved to own its task, the files of fixed names and last the
 * two manifests. Whatever the former publication alone used is deleted after that.
 */
export function createPublish(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
}): TaskCode<PublishInput, PublishResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'output',
      subRoot: input.outputRoot,
    });
    const keyOf = (name: string): string => joinKey(input.folder, name);
    const plan = await planUploads(deps.workRoot, task, input);
    const all = [...plan.early, ...plan.fixed, ...plan.active];
    const files = all.map((one) => keyOf(one.name));
    const written: string[] = [];
    let replaced: readonly string[];
    try {
      await forEachParallel(plan.early, PARALLEL_FILES, async (one) => {
        await putOnce(storage, task, one, keyOf(one.name), written);
      });
      replaced = await deps.publication.switchOver(
        task,
        {
          tenant: input.tenant,
          location: `${storage.kind}:${storage.fullPath(input.folder)}`,
          asset: input.asset,
          files,
          result: {
            message: storage.fullPath(keyOf(manifestNames(input.asset).hls)),
            files: files.map((key) => storage.fullPath(key)),
            durationSeconds: input.durationSeconds,
          },
        },
        async () => {
          for (const one of [...plan.fixed, ...plan.active]) {
            await storage.upload(one.path, keyOf(one.name), { signal: task.signal });
          }
        },
      );
    } catch (error) {
      // another attempt may be using the same names by now: only what is still ours is taken back
      if (!(error instanceof WorkError && error.type === 'Superseded')) await storage.delete(written);
      throw error;
    }
    await storage.delete(replaced.filter((key) => !files.includes(key)));
    return { message: `${files.length} files in ${storage.fullPath(input.folder)}` };
  };
}

/** Uploads a file unless an earlier attempt left it there whole, and checks its size. */
async function putOnce(
  storage: StorageDriver,
  task: Task,
  one: Upload,
  key: string,
  written: string[],
): Promise<void> {
  const [{ size }, there] = await Promise.all([stat(one.path), storage.stat(key)]);
  if (there?.sizeBytes === size) return;
  written.push(key);
  const stored = await storage.upload(one.path, key, {
    signal: task.signal,
    onProgress: (doneBytes) => {
      task.progress({ step: `publishing ${one.name}`, doneBytes, doneRatio: doneBytes / size });
    },
  });
  if (stored.sizeBytes !== size) {
    throw new WorkError(
      'StorageFailed',
      `${key} has ${stored.sizeBytes} bytes after it was written, not ${size}`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function planUploads(
  workRoot: string,
  task: Task,
  input: PublishInput,
): Promise<{
  readonly early: readonly Upload[];
  readonly fixed: readonly Upload[];
  readonly active: readonly Upload[];
}> {
  const { jobId, asset } = input;
  const stage = (name: Parameters<typeof stageFolder>[2]): string => stageFolder(workRoot, jobId, name);
  const tracks = await readDocument<readonly PackagedTrack[]>(stage('tracks'), DOCUMENTS.tracks);
  const captions = await readDocument<readonly CaptionTrack[]>(stage('captions'), DOCUMENTS.captions);
  const manifests = buildManifests({
    asset,
    jobId,
    tracks,
    captions,
    durationSeconds: input.durationSeconds,
  });
  const folder = join(jobScratch(workRoot, jobId), `.publish-${task.taskNumber}-${task.attempt}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const write = async (file: { readonly name: string; readonly text: string }): Promise<Upload> => {
    const path = join(folder, file.name);
    await writeFile(path, file.text);
    return { path, name: file.name };
  };
  const thumbnail = join(stage('thumbnail'), STAGE_FILES.thumbnail);
  const fixed: Upload[] = [
    { path: join(stage('metadata'), DOCUMENTS.metadata), name: metadataName(asset) },
  ];
  if (await exists(thumbnail)) fixed.push({ path: thumbnail, name: thumbnailName(asset) });
  if (input.mp4Filename !== null) {
    fixed.push({ path: join(stage('mp4'), STAGE_FILES.mp4), name: input.mp4Filename });
  }
  return {
    early: [
      ...manifests.trackFiles.map((one) => ({ path: join(stage('tracks'), one.stagedName), name: one.name })),
      ...manifests.captionFiles.map((one) => ({
        path: join(stage('captions'), one.stagedName),
        name: one.name,
      })),
      ...(await Promise.all(manifests.playlists.map(write))),
    ],
    fixed,
    active: await Promise.all(manifests.active.map(write)),
  };
}
