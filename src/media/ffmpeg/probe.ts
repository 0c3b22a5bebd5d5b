import { z } from 'zod';
import { FFPROBE } from '../process/programs.ts';
import { runTool } from '../process/run-tool.ts';
import { assertToolSucceeded, describeStderr } from '../process/tool-error.ts';
import { buildInput, QUIET } from './input.ts';

/** A stream as ffprobe sees it. */
export interface ProbedStream {
  /** Index in the container. */
  readonly index: number;
  readonly kind: 'video' | 'audio' | 'text' | 'other';
  /** ffmpeg's codec name, `h264`, `aac`. */
  readonly codec: string;
  readonly width?: number;
  readonly height?: number;
  /** Frames per second as a fraction, `25/1`. */
  readonly frameRate?: string;
  readonly channels?: number;
  readonly sampleRate?: number;
  /** As the container says it; may be `und` or missing. */
  readonly language?: string;
  readonly title?: string;
  readonly bitRate?: number;
  readonly durationSeconds?: number;
  readonly startSeconds: number;
  /** Samples that the container's index promises; only some containers have one. */
  readonly indexedPackets?: number;
  /** Packets really read from the file; only after a probe that counts. */
  readonly packets?: number;
  /** A cover picture, not a video. */
  readonly isPicture: boolean;
}

/** A file as ffprobe sees it. */
export interface ProbedFile {
  /** Container names of the demuxer, `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  readonly durationSeconds: number;
  readonly bitRate?: number;
  readonly streams: readonly ProbedStream[];
  /** What ffprobe complained of while it read, without paths; empty for a sound file. */
  readonly complaints: string;
}

/** The file is no media that we open. */
export class UnreadableMediaError extends Error {
  override readonly name = 'UnreadableMediaError';
}

const number = z.coerce.number().optional().catch(undefined);
const Output = z.object({
  format: z.object({
    format_name: z.string(),
    duration: number,
    bit_rate: number,
  }),
  streams: z.array(
    z.object({
      index: z.number(),
      codec_type: z.string().default('other'),
      codec_name: z.string().default('unknown'),
      width: number,
      height: number,
      avg_frame_rate: z.string().optional(),
      r_frame_rate: z.string().optional(),
      channels: number,
      sample_rate: number,
      bit_rate: number,
      duration: number,
      start_time: number,
      nb_frames: number,
      nb_read_packets: number,
      tags: z.record(z.string(), z.string()).default({}),
      disposition: z.record(z.string(), z.number()).default({}),
    }),
  ),
});

const KINDS: Readonly<Record<string, ProbedStream['kind']>> = {
  video: 'video',
  audio: 'audio',
  subtitle: 'text',
};

/** What a probe does beyond reading headers. */
export interface ProbeOptions {
  /** Reads and counts every packet: disk speed, no decoding. */
  readonly isCounting: boolean;
  /** Shows what an MP4 holds, not what its edit lists play of it. */
  readonly isIgnoringEdits?: boolean;
}

/** Arguments of ffprobe for one local file. */
export function buildProbeArgs(path: string, options: ProbeOptions): string[] {
  return [
    ...QUIET,
    ...(options.isCounting ? ['-count_packets'] : []),
    ...(options.isIgnoringEdits === true ? ['-ignore_editlist', '1'] : []),
    '-show_format',
    '-show_streams',
    '-of',
    'json',
    ...buildInput(path),
  ];
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined;

/**
 * The length of a Matroska track in seconds, out of its `DURATION` tag, `00:00:08.023000000`. Programs
 * that write statistics (mkvmerge) mean the length by it; ffmpeg means the time at which the track ends.
 */
function taggedSeconds(
  tags: Readonly<Record<string, string>>,
  startSeconds: number,
): number | undefined {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(tags['DURATION'] ?? '');
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number);
  const tagged = hours * 3600 + minutes * 60 + seconds;
  return positive('_STATISTICS_WRITING_APP' in tags ? tagged : tagged - startSeconds);
}

/** Drops keys without a value, as `exactOptionalPropertyTypes` wants it. */
const known = <Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;

/** Reads ffprobe's JSON. Throws where it is not that. */
export function parseProbe(json: string, complaints: string): ProbedFile {
  const { format, streams } = Output.parse(JSON.parse(json));
  return {
    container: format.format_name,
    durationSeconds: format.duration ?? 0,
    ...known({ bitRate: positive(format.bit_rate) }),
    complaints,
    streams: streams.map((stream) => ({
      index: stream.index,
      kind: KINDS[stream.codec_type] ?? 'other',
      codec: stream.codec_name,
      startSeconds: stream.start_time ?? 0,
      isPicture: stream.disposition['attached_pic'] === 1,
      ...known({
        width: positive(stream.width),
        height: positive(stream.height),
        frameRate: [stream.avg_frame_rate, stream.r_frame_rate].find(
          (rate) => rate !== undefined && !rate.startsWith('0/'),
        ),
        channels: positive(stream.channels),
        sampleRate: positive(stream.sample_rate),
        language: stream.tags['language'],
        title: stream.tags['title'],
        bitRate: positive(stream.bit_rate ?? Number(stream.tags['BPS'])),
        durationSeconds:
          positive(stream.duration) ?? taggedSeconds(stream.tags, stream.start_time ?? 0),
        indexedPackets: positive(stream.nb_frames),
        packets: stream.nb_read_packets,
      }),
    })),
  };
}

const PROBE_TIMEOUT_MS = 10 * 60 * 1000;
const OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Probes a local file. Throws {@link UnreadableMediaError} where ffprobe cannot open it as one of the
 * containers we take.
 */
export async function probe(
  path: string,
  options: ProbeOptions & { readonly signal?: AbortSignal },
): Promise<ProbedFile> {
  const result = await runTool({
    program: FFPROBE,
    args: buildProbeArgs(path, options),
    timeoutMs: PROBE_TIMEOUT_MS,
    stdoutBytes: OUTPUT_BYTES,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  options.signal?.throwIfAborted();
  // 1 is ffprobe's own verdict; anything else is a missing program, a signal, a time out
  if (result.exitCode === 1) throw new UnreadableMediaError(describeStderr(result.stderrTail));
  assertToolSucceeded(result, 'reading a media file');
  return parseProbe(result.stdout, describeStderr(result.stderrTail));
}
