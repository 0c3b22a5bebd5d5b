import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WorkError } from '../../domain/failure.ts';
import { packagerProgram } from '../process/programs.ts';
import { runTool, type ToolResult } from '../process/run-tool.ts';
import { assertDiskNotFull, assertToolSucceeded, describeStderr } from '../process/tool-error.ts';
import type { SourceTrack } from '../source/tracks.ts';
import { buildPackagerArgs, PACKAGER_MPD } from './command.ts';
import { describeTrack, trackFileName } from './describe-track.ts';
import { parsePackagerMpd } from './mpd.ts';
import type { PackageInput } from './package-input.ts';
import type { PackagedTrack } from './packaged-track.ts';
import { type PackagerInput, preparePackagerInput } from './packager-input.ts';

const TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** The packager writes all the time; this long without a byte it is stuck. */
const STALL_MS = 120_000;

/**
 * Packages tracks into one CMAF file each and proves that nothing is missing: the packager ends with
 * exit code 0 on half a file, so every packet of the source is looked for in the result.
 */
export async function packageTracks(input: PackageInput): Promise<readonly PackagedTrack[]> {
  const inputs: PackagerInput[] = [];
  // one after the other: each copy reads its whole file
  for (const track of input.tracks) inputs.push(await preparePackagerInput(input, track));
  const mpdPath = join(input.targetFolder, PACKAGER_MPD);
  const result = await runTool({
    program: packagerProgram(),
    args: buildPackagerArgs(
      input.tracks.map((track, at) => ({
        kind: track.kind,
        input: inputs[at]?.path ?? '',
        output: join(input.targetFolder, trackFileName(track)),
      })),
      mpdPath,
      input.targetFolder,
    ),
    timeoutMs: TIMEOUT_MS,
    stallMs: STALL_MS,
    measure: async () => {
      const writtenBytes = await folderBytes(input.targetFolder);
      input.onProgress?.(writtenBytes);
      return writtenBytes;
    },
    signal: input.signal,
    onCommand: input.onCommand,
  });
  input.signal.throwIfAborted();
  assertDiskNotFull(result, 'packaging');
  assertReadable(result, input.tracks, inputs);
  assertToolSucceeded(result, 'packaging');
  const representations = parsePackagerMpd(await readFile(mpdPath, 'utf8'));
  await rm(mpdPath);
  for (const { path, isTemporary } of inputs) if (isTemporary) await rm(path);
  return Promise.all(input.tracks.map((track) => describeTrack(input, track, representations)));
}

/** A source that the packager cannot read stays so: that is the client's to mend, no failed tool. */
function assertReadable(
  result: ToolResult,
  tracks: readonly SourceTrack[],
  inputs: readonly PackagerInput[],
): void {
  const match = /Cannot parse media file (\S+)/.exec(result.stderrTail);
  if (result.exitCode === 0 || match === null) return;
  const at = inputs.findIndex((one) => basename(one.path) === basename(match[1] ?? ''));
  const name = tracks[at]?.originalName ?? 'A source';
  throw new WorkError(
    'InvalidMedia',
    /Negative presentation timestamp/i.test(result.stderrTail)
      ? `${name} does not start with a key frame: it was cut without encoding. Export it again`
      : `${name} cannot be packaged: ${describeStderr(result.stderrTail)}`,
  );
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        // a temporary file may go between the two calls
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
