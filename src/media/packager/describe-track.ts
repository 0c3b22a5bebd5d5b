import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../domain/failure.ts';
import { probe } from '../ffmpeg/probe.ts';
import { readTrackLayout } from '../mp4/read-index.ts';
import type { SourceTrack } from '../source/tracks.ts';
import type { PackagerRepresentation } from './mpd.ts';
import type { PackageInput } from './package-input.ts';
import type { PackagedTrack } from './packaged-track.ts';

/** Seconds by which a packaged track may differ from its source: one frame of slow audio or video. */
const DURATION_TOLERANCE_SECONDS = 0.25;

/** Seconds by which a track may start earlier or later than its source; more is out of sync. */
const START_TOLERANCE_SECONDS = 0.05;

/** Name of a track's file in the stage. */
export const trackFileName = (track: SourceTrack): string => `${track.id}.mp4`;

/**
 * What was packaged, proved against its source: every packet, the length, the start. Throws a WorkError
 * `ToolFailed` where something is missing.
 */
export async function describeTrack(
  input: PackageInput,
  track: SourceTrack,
  representations: readonly PackagerRepresentation[],
): Promise<PackagedTrack> {
  const fileName = trackFileName(track);
  const path = join(input.targetFolder, fileName);
  const fail = (what: string): WorkError =>
    new WorkError(
      'ToolFailed',
      `The packaged ${track.kind} track of ${track.originalName} ${what}`,
    );
  const representation = representations.find((one) => one.fileName === fileName);
  if (representation === undefined) throw fail('was not written');
  const [layout, probed, { size }] = await Promise.all([
    readTrackLayout(path),
    probe(path, { isCounting: true, signal: input.signal }),
    stat(path),
  ]);
  const packets = probed.streams[0]?.packets ?? 0;
  if (packets !== track.packets) {
    throw fail(`has ${packets} packets, its source ${track.packets}`);
  }
  const packagedSeconds = layout.segments.reduce((sum, one) => sum + one.durationSeconds, 0);
  const longer = packagedSeconds - track.durationSeconds;
  if (track.isDurationExact && Math.abs(longer) > DURATION_TOLERANCE_SECONDS) {
    throw fail(
      `is ${packagedSeconds.toFixed(3)} s long, its source ${track.durationSeconds.toFixed(3)} s`,
    );
  }
  if (Math.abs(layout.startSeconds - track.startSeconds) > START_TOLERANCE_SECONDS) {
    throw fail(
      `starts at ${layout.startSeconds.toFixed(3)} s, its source at ${track.startSeconds.toFixed(3)} s`,
    );
  }
  const mediaBytes = layout.segments.reduce((sum, one) => sum + one.sizeBytes, 0);
  const averageBandwidth = Math.ceil((mediaBytes * 8) / packagedSeconds);
  return {
    ...track,
    fileName,
    sizeBytes: size,
    codecs: representation.codecs,
    sar: representation.sar ?? '1:1',
    bandwidth: Math.max(representation.bandwidth, averageBandwidth),
    averageBandwidth,
    startSeconds: layout.startSeconds,
    packagedSeconds,
    initEndByte: layout.initEndByte,
    indexStartByte: layout.indexStartByte,
    indexEndByte: layout.indexEndByte,
    segments: layout.segments,
  };
}
