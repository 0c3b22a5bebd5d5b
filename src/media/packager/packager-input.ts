import { join } from 'node:path';
import { buildMp4Args } from '../ffmpeg/mp4.ts';
import { FFMPEG } from '../process/programs.ts';
import { runTool } from '../process/run-tool.ts';
import { assertToolSucceeded } from '../process/tool-error.ts';
import type { SourceTrack } from '../source/tracks.ts';
import type { PackageInput } from './package-input.ts';

const TIMEOUT_MS = 24 * 60 * 60 * 1000;
const STALL_MS = 60_000;

/** A file out of which the packager can take one track. */
export interface PackagerInput {
  readonly path: string;
  /** A copy made for the packager, to be removed after it. */
  readonly isTemporary: boolean;
}

/**
 * The packager reads plain MP4 and takes the first track of a kind. Tracks of other containers, and
 * second tracks of a kind, are copied into an MP4 of their own first; nothing is encoded.
 */
export async function preparePackagerInput(
  input: PackageInput,
  track: SourceTrack,
): Promise<PackagerInput> {
  const source = join(input.sourceFolder, track.stagedName);
  if (track.kindIndex === 0 && track.isPlainMp4) return { path: source, isTemporary: false };
  const path = join(input.targetFolder, `${track.id}_source.mp4`);
  const { kind, streamIndex, containerLanguage: language } = track;
  const result = await runTool({
    program: FFMPEG,
    args: buildMp4Args([{ source, streamIndex, kind, language }], path),
    timeoutMs: TIMEOUT_MS,
    stallMs: STALL_MS,
    signal: input.signal,
    onCommand: input.onCommand,
  });
  input.signal.throwIfAborted();
  assertToolSucceeded(result, `taking a track out of ${track.originalName}`);
  return { path, isTemporary: true };
}
