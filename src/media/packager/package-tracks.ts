import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../domain/failure.ts';
import { buildMp4Args } from '../ffmpeg/mp4.ts';
import { probe } from '../ffmpeg/probe.ts';
import { readTrackLayout } from '../mp4/read-index.ts';
import { FFMPEG, packagerProgram } from '../process/programs.ts';
import { runTool } from '../process/run-tool.ts';
import { assertToolSucceeded } from '../process/tool-error.ts';
import type { SourceTrack } from '../source/tracks.ts';
import { buildPackagerArgs, PACKAGER_MPD, type PackagerStream } from './command.ts';
import { type PackagerRepresentation, parsePackagerMpd } from './mpd.ts';
import type { PackagedTrack } from './packaged-track.ts';

const TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** Seconds by which a packaged track may differ from its source: one frame of slow audio or video. */
const DURATION_TOLERANCE_SECONDS = 0.25;

/** What packaging is given. */
export interface PackageInput {
  readonly tracks: readonly SourceTrack[];
  /** Folder of the staged sources. */
  readonly sourceFolder: string;
  /** Folder the track files are written into. */
  readonly targetFolder: string;
  readonly signal: AbortSignal;
  readonly onCommand: (command: string) => void;
}

/**
 * Packages tracks into one CMAF file each and proves that nothing is missing: the packager ends with
 * exit code 0 on half a file, so every packet of the source is looked for in the result.
 */
export async function packageTracks(input: PackageInput): Promise<readonly PackagedTrack[]> {
  const streams = await Promise.all(input.tracks.map((track) => toStream(input, track)));
  const mpdPath = join(input.targetFolder, PACKAGER_MPD);
  const result = await runTool({
    program: packagerProgram(),
    args: buildPackagerArgs(
      streams.map((stream) => stream.stream),
      mpdPath,
    ),
    timeoutMs: TIMEOUT_MS,
    signal: input.signal,
    onCommand: input.onCommand,
  });
  input.signal.throwIfAborted();
  assertToolSucceeded(result, 'packaging');
  const representations = parsePackagerMpd(await readFile(mpdPath, 'utf8'));
  await rm(mpdPath);
  for (const { temporary } of streams) if (temporary !== undefined) await rm(temporary);
  return Promise.all(input.tracks.map((track) => describeTrack(input, track, representations)));
}

const fileNameOf = (track: SourceTrack): string => `${track.id}.mp4`;

async function toStream(
  input: PackageInput,
  track: SourceTrack,
): Promise<{ readonly stream: PackagerStream; readonly temporary?: string }> {
  const source = join(input.sourceFolder, track.stagedName);
  const output = join(input.targetFolder, fileNameOf(track));
  if (track.kindIndex === 0 && /\.(mp4|m4v|mov|m4a)$/.test(track.stagedName)) {
    return { stream: { kind: track.kind, input: source, output } };
  }
  // the packager reads MP4 and takes the first stream of a kind; the others come in a file of their own
  const temporary = join(input.targetFolder, `${track.id}_source.mp4`);
  const result = await runTool({
    program: FFMPEG,
    args: buildMp4Args(
      [
        {
          source,
          streamIndex: track.streamIndex,
          kind: track.kind,
          language: track.containerLanguage,
        },
      ],
      temporary,
    ),
    timeoutMs: TIMEOUT_MS,
    signal: input.signal,
    onCommand: input.onCommand,
  });
  input.signal.throwIfAborted();
  assertToolSucceeded(result, `taking a track out of ${track.originalName}`);
  return { stream: { kind: track.kind, input: temporary, output }, temporary };
}

async function describeTrack(
  input: PackageInput,
  track: SourceTrack,
  representations: readonly PackagerRepresentation[],
): Promise<PackagedTrack> {
  const fileName = fileNameOf(track);
  const path = join(input.targetFolder, fileName);
  const representation = representations.find((one) => one.fileName === fileName);
  if (representation === undefined) {
    throw new WorkError(
      'ToolFailed',
      `The packager wrote no ${track.kind} track of ${track.originalName}`,
    );
  }
  const [layout, probed, { size }] = await Promise.all([
    readTrackLayout(path),
    probe(path, { isCounting: true, signal: input.signal }),
    stat(path),
  ]);
  const packets = probed.streams[0]?.packets ?? 0;
  if (packets !== track.packets) {
    throw new WorkError(
      'ToolFailed',
      `The packaged ${track.kind} track of ${track.originalName} has ${packets} packets, its source ${track.packets}`,
    );
  }
  const durationSeconds = layout.segments.reduce((sum, one) => sum + one.durationSeconds, 0);
  if (Math.abs(durationSeconds - track.durationSeconds) > DURATION_TOLERANCE_SECONDS) {
    throw new WorkError(
      'ToolFailed',
      `The packaged ${track.kind} track of ${track.originalName} is ${durationSeconds.toFixed(3)} s long, its source ${track.durationSeconds.toFixed(3)} s`,
    );
  }
  const mediaBytes = layout.segments.reduce((sum, one) => sum + one.sizeBytes, 0);
  const averageBandwidth = Math.ceil((mediaBytes * 8) / durationSeconds);
  return {
    ...track,
    fileName,
    sizeBytes: size,
    codecs: representation.codecs,
    sar: representation.sar ?? '1:1',
    bandwidth: Math.max(representation.bandwidth, averageBandwidth),
    averageBandwidth,
    startSeconds: layout.startSeconds,
    packagedSeconds: durationSeconds,
    initEndByte: layout.initEndByte,
    indexStartByte: layout.indexStartByte,
    indexEndByte: layout.indexEndByte,
    segments: layout.segments,
  };
}
