import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import { buildManifests } from '../../src/media/asset/manifests.ts';
import { manifestNames } from '../../src/media/asset/names.ts';
import type { CaptionTrack, PackagedTrack } from '../../src/media/packager/packaged-track.ts';
import type { StorageKind } from '../../src/domain/storage-kind.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { DOCUMENTS, STAGE_FILES, type SourceFile } from '../media/documents.ts';
import { jobScratch, readDocument, stageFolder } from '../scratch.ts';
import type { Task, TaskCode } from '../task.ts';
import { forEachParallel } from './parallel.ts';
import type { PublicationPort } from './publication.ts';
import { metadataName, thumbnailName } from './published-names.ts';
import type { PublishInput, PublishResult } from './contract.ts';

interface Upload {
  readonly path: string;
  readonly name: string;
}

const PARALLEL_FILES = 4;

/**
 * Publishes an asset whole or not at all. Every file is uploaded first, under names of this job that
 * nothing refers to; then, while this attempt is proved to own its task, those with fixed names are
 * renamed into place, the two manifests last. What only the former publication used goes after that.
 */
export function createPublish(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
}): TaskCode<PublishInput, PublishResult> {
  return async (task, input) => {
    const { tenant, folder, asset } = input;
    const storage = await deps.storages.open({ tenant, kind: input.storage, side: 'output' });
    const plan = await planUploads(deps.workRoot, task, input);
    const keyOf = (name: string): string => joinKey(folder, name);
    const stagedKeyOf = (name: string): string => keyOf(`.te-${task.jobId}-${name}`);
    const files = [...plan.early, ...plan.switched].map((one) => keyOf(one.name));
    await refuseToOverwriteSource(deps, input, storage, files);
    const uploads = [
      ...plan.early.map((one) => ({ ...one, key: keyOf(one.name) })),
      ...plan.switched.map((one) => ({ ...one, key: stagedKeyOf(one.name) })),
    ];
    let isSwitching = false;
    let replaced: readonly string[];
    try {
      await forEachParallel(uploads, PARALLEL_FILES, (one) => putOnce(storage, task, one));
      replaced = await deps.publication.switchOver(
        task,
        {
          tenant,
          location: `${storage.kind}:${storage.fullPath(folder)}`,
          asset,
          files,
          result: {
            message: storage.fullPath(keyOf(manifestNames(asset).hls)),
            files: files.map((key) => storage.fullPath(key)),
            durationSeconds: input.durationSeconds,
          },
        },
        async () => {
          isSwitching = true;
          for (const { name } of plan.switched) await storage.move(stagedKeyOf(name), keyOf(name));
        },
      );
    } catch (error) {
      // a later attempt uses the same names, and half a switch needs its files: those stay
      const isOurs = !(error instanceof WorkError && error.type === 'Superseded');
      if (isOurs && !isSwitching) await storage.delete(uploads.map((one) => one.key));
      throw error;
    }
    await storage.delete(replaced.filter((key) => !files.includes(key)));
    return { message: `${files.length} files in ${storage.fullPath(folder)}` };
  };
}

/** Source and output folder may be one: no file of the client may be written over. */
async function refuseToOverwriteSource(
  deps: { readonly workRoot: string; readonly storages: Storages },
  input: PublishInput,
  output: StorageDriver,
  keys: readonly string[],
): Promise<void> {
  if (input.sourceStorage !== input.storage) return;
  const source = await deps.storages.open({
    tenant: input.tenant,
    kind: input.sourceStorage,
    side: 'input',
  });
  const fetched = await readDocument<readonly SourceFile[]>(
    stageFolder(deps.workRoot, input.jobId, 'source'),
    DOCUMENTS.files,
  );
  const sources = new Set(
    fetched.map((file) => source.fullPath(joinKey(input.sourceFolder, file.originalName))),
  );
  const clash = keys.map((key) => output.fullPath(key)).find((path) => sources.has(path));
  if (clash !== undefined) {
    throw new WorkError(
      'InvalidInput',
      `${clash} is a source of this job and would be overwritten; give another output_folder or mp4_filename`,
    );
  }
}

/** Uploads a file unless an earlier attempt left it there whole, and checks its size. */
async function putOnce(
  storage: StorageDriver,
  task: Task,
  one: Upload & { readonly key: string },
): Promise<void> {
  const { key } = one;
  const [{ size }, there] = await Promise.all([stat(one.path), storage.stat(key)]);
  if (there?.sizeBytes === size) return;
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
  /** Named for this job: nothing refers to them before the manifests do. */
  readonly early: readonly Upload[];
  /** Of fixed names, in the order in which they are switched; manifests last. */
  readonly switched: readonly Upload[];
}> {
  const { jobId, asset } = input;
  const stage = (name: Parameters<typeof stageFolder>[2]): string =>
    stageFolder(workRoot, jobId, name);
  const tracks = await readDocument<readonly PackagedTrack[]>(stage('tracks'), DOCUMENTS.tracks);
  const captions = await readDocument<readonly CaptionTrack[]>(
    stage('captions'),
    DOCUMENTS.captions,
  );
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
      ...manifests.trackFiles.map((one) => ({
        path: join(stage('tracks'), one.stagedName),
        name: one.name,
      })),
      ...manifests.captionFiles.map((one) => ({
        path: join(stage('captions'), one.stagedName),
        name: one.name,
      })),
      ...(await Promise.all(manifests.playlists.map(write))),
    ],
    switched: [...fixed, ...(await Promise.all(manifests.active.map(write)))],
  };
}
