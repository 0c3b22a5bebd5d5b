import { open } from 'node:fs/promises';
import { WorkError } from '../../domain/failure.ts';
import { type ProbedFile, probe, UnreadableMediaError } from '../ffmpeg/probe.ts';

/** Largest difference between a track's length and its packets' that a sound file may have, seconds. */
const TOLERANCE_SECONDS = 1;

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
 * on half a file, so what the index promises is compared with what is there. Pictures are not decoded.
 */
export async function probeSource(
  file: { readonly path: string; readonly name: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<ProbedFile> {
  if (file.sizeBytes === 0) throw invalid(file.name, 'is empty (0 bytes)');
  const disguise = await describeDisguise(file.path);
  if (disguise !== undefined) {
    throw invalid(file.name, `is ${disguise}, not media; sources must be media files`);
  }
  let probed: ProbedFile;
  try {
    probed = await probe(file.path, { isCounting: true, signal });
  } catch (error) {
    if (!(error instanceof UnreadableMediaError)) throw error;
    throw invalid(
      file.name,
      `is damaged, cut short or no media file: ${error.message || 'unknown container'}`,
      error,
    );
  }
  assertWhole(file.name, probed);
  return probed;
}

function assertWhole(name: string, probed: ProbedFile): void {
  const tracks = probed.streams.filter((one) => one.kind !== 'other' && !one.isPicture);
  if (!tracks.some((one) => one.kind === 'video' || one.kind === 'audio')) {
    throw invalid(name, 'holds neither video nor audio');
  }
  for (const stream of tracks) {
    const { indexedPackets, packets = 0, durationSeconds } = stream;
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
    /partial file|truncat|moov atom not found|invalid NAL|error reading/i.test(probed.complaints)
  ) {
    throw invalid(name, `is cut short or damaged: ${probed.complaints}`);
  }
  if (!(probed.durationSeconds > 0)) throw invalid(name, 'says no duration');
}
