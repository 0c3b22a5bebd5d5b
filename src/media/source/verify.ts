import { type ProbedFile, probe, UnreadableMediaError } from '../ffmpeg/probe.ts';
import { withLocalFile } from './byte-reader.ts';
import { invalid } from './invalid.ts';
import { readStructure } from './structure.ts';

/** Largest difference between a track's length and its file's that a sound file may have, seconds. */
const TOLERANCE_SECONDS = 1;

/** A source file that was read whole. */
export interface VerifiedFile extends ProbedFile {
  /**
   * The packager reads this file as it is. It knows ISO base media files only, whatever their name says,
   * and fails on QuickTime's own sound descriptions.
   */
  readonly isPlainMp4: boolean;
}

/**
 * Opens a fetched source, reads every packet of it and returns what is in it. Throws a WorkError
 * `InvalidMedia`, with the client's file name, for a file that is empty, no media, something else in
 * disguise, cut short or damaged in its structure. ffmpeg and the packager both end with exit code 0
 * on half a file, so what the file promises is compared with what is there. Pictures are not decoded.
 */
export async function probeSource(
  file: { readonly path: string; readonly name: string },
  signal: AbortSignal,
): Promise<VerifiedFile> {
  const movie = await withLocalFile(file.path, (reader) => readStructure(file.name, reader));
  const isPlainMp4 = movie?.majorBrand !== undefined && movie.majorBrand !== 'qt  ';
  let probed: ProbedFile;
  let stored: ProbedFile;
  try {
    probed = await probe(file.path, { isCounting: true, signal });
    // an edit list leaves packets out that are there
    stored =
      movie !== undefined && missesPackets(probed)
        ? await countStored(probed, file.path, signal)
        : probed;
  } catch (error) {
    if (!(error instanceof UnreadableMediaError)) throw error;
    throw invalid(
      file.name,
      `is damaged, cut short or no media file: ${error.message || 'unknown container'}`,
      error,
    );
  }
  assertWhole(file.name, stored, movie !== undefined);
  // the packager takes all that is stored; ffmpeg, which copies other files first, what is played
  return { ...(isPlainMp4 ? stored : probed), isPlainMp4 };
}

const missesPackets = (probed: ProbedFile): boolean =>
  probed.streams.some((one) => (one.packets ?? 0) < (one.indexedPackets ?? 0));

async function countStored(
  probed: ProbedFile,
  path: string,
  signal: AbortSignal,
): Promise<ProbedFile> {
  const stored = await probe(path, { isCounting: true, isIgnoringEdits: true, signal });
  return {
    ...probed,
    streams: probed.streams.map((stream) => {
      const packets = stored.streams.find((one) => one.index === stream.index)?.packets;
      return packets === undefined ? stream : { ...stream, packets };
    }),
  };
}

/** `hasExactIndex`: an MP4 counts its samples; AVI counts fields, others guess. */
function assertWhole(name: string, probed: ProbedFile, hasExactIndex: boolean): void {
  const tracks = probed.streams.filter((one) => one.kind !== 'other' && !one.isPicture);
  if (!tracks.some((one) => one.kind === 'video' || one.kind === 'audio')) {
    throw invalid(name, 'holds neither video nor audio');
  }
  for (const stream of tracks) {
    const { packets = 0, durationSeconds } = stream;
    const indexedPackets = hasExactIndex ? stream.indexedPackets : undefined;
    if (packets === 0 && stream.kind !== 'text') {
      throw invalid(
        name,
        `is cut short or damaged: its ${stream.kind} track ${stream.index} has no data`,
      );
    }
    if (indexedPackets !== undefined && packets < indexedPackets) {
      throw invalid(
        name,
        `is cut short or damaged: its ${stream.kind} track ${stream.index} should have ` +
          `${indexedPackets} packets and has ${packets}`,
      );
    }
    if (
      durationSeconds !== undefined &&
      durationSeconds > probed.durationSeconds + TOLERANCE_SECONDS
    ) {
      throw invalid(name, 'is damaged: a track is longer than the file says');
    }
  }
  if (
    /partial file|truncat|ended prematurely|moov atom not found|invalid NAL|error reading/i.test(
      probed.complaints,
    )
  ) {
    throw invalid(name, `is cut short or damaged: ${probed.complaints}`);
  }
  if (!(probed.durationSeconds > 0)) throw invalid(name, 'says no duration');
}
