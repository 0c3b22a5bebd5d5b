import { WorkError } from '../../domain/failure.ts';
import type { ProbedStream } from '../ffmpeg/probe.ts';
import { canonicalLanguage, languageOfName, UNDETERMINED } from './language.ts';
import type { VerifiedFile } from './verify.ts';

/** What a client says of a file whose name does not (contract §7, `file_properties`). */
export interface FileProperties {
  readonly kind?: string;
  readonly language?: string;
}

/** A source file with what a probe found in it. */
export interface ProbedSource {
  readonly originalName: string;
  readonly stagedName: string;
  readonly probed: VerifiedFile;
}

/** A stream of a source file that goes into the asset. */
export interface SourceTrack {
  readonly kind: 'video' | 'audio';
  /** Unique within the asset, `[a-z0-9_]+`: staged names and packager descriptors are made of it. */
  readonly id: string;
  readonly originalName: string;
  readonly stagedName: string;
  readonly streamIndex: number;
  /** Place among the file's streams of its kind, 0 for the first. */
  readonly kindIndex: number;
  readonly codec: string;
  /** BCP 47, `und` where nobody says. */
  readonly language: string;
  /** Language code as the container has it, ISO 639-2. */
  readonly containerLanguage: string;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: string;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bitRate?: number;
  readonly packets: number;
  readonly durationSeconds: number;
  /** False where only the whole file says a length, which other tracks may have stretched. */
  readonly isDurationExact: boolean;
  /** Presentation time of its start in the packaged asset, seconds. */
  readonly startSeconds: number;
  /** The packager reads its file as it is. */
  readonly isPlainMp4: boolean;
}

/** Codecs that go into CMAF unchanged and play everywhere we promise. */
const PACKAGED: Readonly<Record<SourceTrack['kind'], readonly string[]>> = {
  video: ['h264'],
  audio: ['aac'],
};

const isTrack = (
  stream: ProbedStream,
): stream is ProbedStream & { readonly kind: SourceTrack['kind'] } =>
  (stream.kind === 'video' && !stream.isPicture) || stream.kind === 'audio';

function assertPackaged(
  source: ProbedSource,
  stream: ProbedStream & { kind: SourceTrack['kind'] },
) {
  if (PACKAGED[stream.kind].includes(stream.codec)) return;
  throw new WorkError(
    'InvalidMedia',
    `${source.originalName} has ${stream.codec} ${stream.kind}, which cannot be packaged; ` +
      'sources must be H.264 video and AAC audio',
  );
}

/** Tracks of one asset; a file with more is broken or made to exhaust us. */
const MOST_TRACKS = 64;

/** Seconds by which two video tracks of one asset may differ in length. */
const RENDITION_TOLERANCE_SECONDS = 2;

/** Video tracks of one asset show the same content; two films in one folder are a mistake. */
function assertRenditions(tracks: readonly SourceTrack[]): void {
  const [first, ...others] = tracks.filter((one) => one.kind === 'video');
  if (first === undefined) return;
  const other = others.find(
    (one) => Math.abs(one.durationSeconds - first.durationSeconds) > RENDITION_TOLERANCE_SECONDS,
  );
  if (other === undefined) return;
  throw new WorkError(
    'InvalidMedia',
    `${first.originalName} is ${first.durationSeconds.toFixed(3)} s long and ${other.originalName} ` +
      `${other.durationSeconds.toFixed(3)} s; the video files of one asset must be renditions of the same content`,
  );
}

/**
 * The tracks of an asset out of all its sources. Language: `fileProperties`, else the file name's
 * suffix for a file with audio only, else the container. `allAudioTracks: false` keeps the one of the
 * highest bit rate per language. Throws a WorkError `InvalidMedia` for a codec that cannot be packaged and
 * for videos of different lengths.
 */
export function selectTracks(
  sources: readonly ProbedSource[],
  options: {
    readonly allAudioTracks: boolean;
    readonly fileProperties: Readonly<Record<string, FileProperties>>;
  },
): readonly SourceTrack[] {
  const tracks = sources.flatMap((source) => tracksOf(source, options.fileProperties));
  if (tracks.length > MOST_TRACKS) {
    throw new WorkError(
      'InvalidMedia',
      `The sources hold ${tracks.length} tracks; an asset may have ${MOST_TRACKS} at most`,
    );
  }
  assertRenditions(tracks);
  const kept = options.allAudioTracks ? tracks : keepBestAudio(tracks);
  return kept.map((track, at) => ({ ...track, id: `${track.kind}_${at + 1}` }));
}

function tracksOf(
  source: ProbedSource,
  properties: Readonly<Record<string, FileProperties>>,
): readonly SourceTrack[] {
  const given = properties[source.originalName];
  const streams = source.probed.streams.filter(isTrack);
  const hasVideo = streams.some((stream) => stream.kind === 'video');
  const counts = { video: 0, audio: 0 };
  const { isPlainMp4 } = source.probed;
  // a file that is copied into an MP4 first begins at 0 there
  const zeroSeconds = isPlainMp4 ? 0 : Math.min(...streams.map((one) => one.startSeconds));
  return streams.map((stream) => {
    assertPackaged(source, stream);
    const language =
      canonicalLanguage(given?.language) ??
      (hasVideo ? undefined : languageOfName(source.originalName)) ??
      canonicalLanguage(stream.language) ??
      UNDETERMINED;
    const kindIndex = counts[stream.kind];
    counts[stream.kind] += 1;
    return {
      kind: stream.kind,
      id: '',
      originalName: source.originalName,
      stagedName: source.stagedName,
      streamIndex: stream.index,
      kindIndex,
      codec: stream.codec,
      language: stream.kind === 'video' ? UNDETERMINED : language,
      containerLanguage: stream.language ?? UNDETERMINED,
      packets: stream.packets ?? 0,
      durationSeconds: stream.durationSeconds ?? source.probed.durationSeconds,
      isDurationExact: stream.durationSeconds !== undefined,
      startSeconds: stream.startSeconds - zeroSeconds,
      isPlainMp4,
      ...(stream.width === undefined ? {} : { width: stream.width }),
      ...(stream.height === undefined ? {} : { height: stream.height }),
      ...(stream.frameRate === undefined ? {} : { frameRate: stream.frameRate }),
      ...(stream.channels === undefined ? {} : { channels: stream.channels }),
      ...(stream.sampleRate === undefined ? {} : { sampleRate: stream.sampleRate }),
      ...(stream.bitRate === undefined ? {} : { bitRate: stream.bitRate }),
    };
  });
}

const rate = (track: SourceTrack): number => track.bitRate ?? 0;

function keepBestAudio(tracks: readonly SourceTrack[]): readonly SourceTrack[] {
  return tracks.filter(
    (track) =>
      track.kind !== 'audio' ||
      !tracks.some(
        (other) =>
          other.kind === 'audio' &&
          other.language === track.language &&
          (rate(other) > rate(track) ||
            (rate(other) === rate(track) && tracks.indexOf(other) < tracks.indexOf(track))),
      ),
  );
}
