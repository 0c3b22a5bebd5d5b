import { createHash } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { WorkError } from '../../../src/domain/failure.ts';
import { buildManifests } from '../../../src/media/asset/manifests.ts';
import type { CaptionTrack, PackagedTrack } from '../../../src/media/packager/packaged-track.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import { DOCUMENTS, STAGE_FILES } from '../../media/documents.ts';
import { jobScratch, readDocument, type Stage, stageFolder } from '../../scratch.ts';
import type { Task } from '../../task.ts';
import { metadataName, thumbnailName } from '../published-names.ts';

/** A scratch file on its way to the output folder. */
export interface Upload {
  readonly path: string;
  /** Name in the output folder. */
  readonly name: string;
  /** Where it is uploaded to: its final key, or a hidden one from which it is renamed to that. */
  readonly key: string;
  readonly finalKey: string;
  readonly sizeBytes: number;
}

/** What a publication uploads. */
export interface PublishPlan {
  /** Named for this job: nothing refers to them before the manifests do. */
  readonly early: readonly Upload[];
  /** Of fixed names, uploaded hidden, in the order in which they are switched; manifests last. */
  readonly switched: readonly Upload[];
}

/**
 * Gathers what the job's tasks made, and writes the manifests to a scratch folder of this attempt.
 * Throws a WorkError `InvalidInput` where `mp4Filename` is the name of another file of the asset.
 */
export async function planPublication(
  workRoot: string,
  task: Task,
  input: {
    readonly jobId: number;
    readonly folder: string;
    readonly asset: string;
    readonly mp4Filename: string | null;
    readonly durationSeconds: number;
  },
): Promise<PublishPlan> {
  const { jobId, asset, durationSeconds } = input;
  const stage = (name: Stage): string => stageFolder(workRoot, jobId, name);
  const [tracks, captions] = await Promise.all([
    readDocument<readonly PackagedTrack[]>(stage('tracks'), DOCUMENTS.tracks),
    readDocument<readonly CaptionTrack[]>(stage('captions'), DOCUMENTS.captions),
  ]);
  const manifests = buildManifests({ asset, jobId, tracks, captions, durationSeconds });

  const texts = join(jobScratch(workRoot, jobId), `.publish-${task.taskNumber}-${task.attempt}`);
  await rm(texts, { recursive: true, force: true });
  await mkdir(texts, { recursive: true });
  const write = async (file: { readonly name: string; readonly text: string }) => {
    const path = join(texts, file.name);
    await writeFile(path, file.text);
    return { path, name: file.name };
  };
  const staged =
    (from: Stage) => (one: { readonly stagedName: string; readonly name: string }) => ({
      path: join(stage(from), one.stagedName),
      name: one.name,
    });
  const early = [
    ...manifests.trackFiles.map(staged('tracks')),
    ...manifests.captionFiles.map(staged('captions')),
    ...(await Promise.all(manifests.playlists.map(write))),
  ];
  const thumbnail = join(stage('thumbnail'), STAGE_FILES.thumbnail);
  const switched = [
    { path: join(stage('metadata'), DOCUMENTS.metadata), name: metadataName(asset) },
    ...((await exists(thumbnail)) ? [{ path: thumbnail, name: thumbnailName(asset) }] : []),
    ...(await Promise.all(manifests.active.map(write))),
  ];
  if (input.mp4Filename !== null) {
    refuseClash(input.mp4Filename, [...early, ...switched]);
    switched.unshift({ path: join(stage('mp4'), STAGE_FILES.mp4), name: input.mp4Filename });
  }

  const keyOf = (name: string): string => joinKey(input.folder, name);
  // with its extension: an object gets its media type when it is written
  const hiddenKeyOf = (name: string): string =>
    keyOf(
      `.te-${jobId}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}${extname(name)}`,
    );
  return {
    early: await Promise.all(early.map((one) => toUpload(one, keyOf(one.name), keyOf(one.name)))),
    switched: await Promise.all(
      switched.map((one) => toUpload(one, hiddenKeyOf(one.name), keyOf(one.name))),
    ),
  };
}

interface Piece {
  readonly path: string;
  readonly name: string;
}

async function toUpload(piece: Piece, key: string, finalKey: string): Promise<Upload> {
  const { size } = await stat(piece.path);
  return { ...piece, key, finalKey, sizeBytes: size };
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

function refuseClash(mp4Filename: string, others: readonly Piece[]): void {
  if (!others.some((one) => one.name === mp4Filename)) return;
  throw new WorkError(
    'InvalidInput',
    `mp4_filename ${mp4Filename} is the name of another file of this asset; give another name`,
  );
}
