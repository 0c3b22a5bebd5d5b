import { open } from 'node:fs/promises';
import { WorkError } from '../../domain/failure.ts';
import { type ProbedFile, probe, UnreadableMediaError } from '../ffmpeg/probe.ts';
import { type Movie, readMovie } from '../mp4/movie.ts';
import { readDeclaredSize } from './declared-size.ts';

/** Largest difference between a track's length and its file's that a sound file may have, seconds. */
const TOLERANCE_SECONDS = 1;

/** Media that an edit list may hide: encoders put some audio before the start, up to 0.1 s. */
const MOST_HIDDEN_SECONDS = 0.25;

/** A source file that was read whole. */
export interface VerifiedFile extends ProbedFile {
  /**
   * The packager reads this file as it is. It knows ISO base media files only, whatever their name says,
   * and fails on QuickTime's own sound descriptions.
   */
  readonly isPlainMp4: boolean;
}

const invalid = (name: string, what: string, cause?: unknown): WorkError =>
  new WorkError('InvalidMedia', `${name} ${what}`, cause === undefined ? {} : { cause });

/** Text that betrays a playlist or a document under a media file's name. */
const DISGUISES: readonly (readonly [RegExp, string])[] = [
  [/^\uFEFF?#EXTM3U/, 'an HLS playlist'],
  [/^\uFEFF?ffconcat/, 'a concat list'],
  [/<MPD[\s>]/, 'a DASH manifest'],
  [/<svg[\s>]/i, 'an SVG image'],
  [/<html[\s>]/i, 'a web page'],
];

async function describeDisguise(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const head = buffer.toString('utf8', 0, bytesRead);
    return DISGUISES.find(([pattern]) => pattern.test(head))?.[1];
  } finally {
    await file.close();
  }
}

/**
 * Opens a fetched source, reads every packet of it and returns what is in it. Throws a WorkError
 * `InvalidMedia`, with the client's file name, for a file that is empty, no media, something else in
 * disguise, cut short or damaged in its structure. ffmpeg and the packager both end with exit code 0
 * on half a file, so what the file promises is compared with what is there. Pictures are not decoded.
 */
export async function probeSource(
  file: { readonly path: string; readonly name: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<VerifiedFile> {
  if (file.sizeBytes === 0) throw invalid(file.name, 'is empty (0 bytes)');
  const disguise = await describeDisguise(file.path);
  if (disguise !== undefined) {
    throw invalid(file.name, `is ${disguise}, not media; sources must be media files`);
  }
  const movie = await readStructure(file);
  const isPlainMp4 = movie?.majorBrand !== undefined && movie.majorBrand !== 'qt  ';
  let probed: ProbedFile;
  try {
    probed = await probe(file.path, { isCounting: true, signal });
    // edit lists leave packets out, the packager does not: count what is there
    if (movie !== undefined && isPlainMp4 && missesPackets(probed)) {
      probed = await countStored(probed, file.path, signal);
    }
  } catch (error) {
    if (!(error instanceof UnreadableMediaError)) throw error;
    throw invalid(
      file.name,
      `is damaged, cut short or no media file: ${error.message || 'unknown container'}`,
      error,
    );
  }
  assertWhole(file.name, probed, movie !== undefined);
  return { ...probed, isPlainMp4 };
}

/** Compares what the container promises with the file's size; no tool needed, exact to the byte. */
async function readStructure(file: {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
}): Promise<Movie | undefined> {
  let movie: Movie | undefined;
  try {
    movie = await readMovie(file.path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(file.name, 'is damaged: its index (moov) cannot be read', error);
  }
  const declaredBytes =
    movie === undefined ? await readDeclaredSize(file.path) : file.sizeBytes + movie.missingBytes;
  if (declaredBytes !== undefined && declaredBytes > file.sizeBytes) {
    const what =
      movie?.hasIndex === false
        ? 'is damaged, cut short or no media file: it has no index (moov),'
        : 'is cut short or damaged: it has';
    throw invalid(
      file.name,
      `${what} ${file.sizeBytes} bytes and should have at least ${declaredBytes}`,
    );
  }
  for (const track of movie?.tracks ?? []) {
    if (track.kind === 'other') continue;
    if (track.edits > 1) {
      throw invalid(
        file.name,
        `plays ${track.edits} pieces of its ${track.kind} track by an edit list; export it again as one piece`,
      );
    }
    if (track.hiddenSeconds > MOST_HIDDEN_SECONDS) {
      throw invalid(
        file.name,
        `hides the first ${track.hiddenSeconds.toFixed(3)} s of its ${track.kind} track by an edit list: ` +
          'it was cut without encoding. Export it again so that it starts with a key frame',
      );
    }
  }
  return movie;
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
