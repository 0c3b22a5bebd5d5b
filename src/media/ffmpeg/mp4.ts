import { buildInput, QUIET } from './input.ts';
import { PROGRESS_OPTIONS } from './progress.ts';

/** A stream that goes into an MP4. */
export interface Mp4Stream {
  /** Local file. */
  readonly source: string;
  readonly streamIndex: number;
  readonly kind: 'video' | 'audio';
  /** ISO 639 code or `und`. */
  readonly language: string;
}

/** Arguments that copy streams into one MP4 with its index first, so that it plays while it loads. */
export function buildMp4Args(streams: readonly Mp4Stream[], target: string): string[] {
  const sources = [...new Set(streams.map((stream) => stream.source))];
  const counts = { video: 0, audio: 0 };
  const languages = streams.flatMap((stream) => {
    const number = counts[stream.kind];
    counts[stream.kind] += 1;
    return [
      `-metadata:s:${stream.kind === 'video' ? 'v' : 'a'}:${number}`,
      `language=${stream.language}`,
    ];
  });
  return [
    ...QUIET,
    ...PROGRESS_OPTIONS,
    '-y',
    ...sources.flatMap(buildInput),
    ...streams.flatMap((stream) => [
      '-map',
      `${sources.indexOf(stream.source)}:${stream.streamIndex}`,
    ]),
    '-c',
    'copy',
    ...languages,
    '-movflags',
    '+faststart',
    '-f',
    'mp4',
    `file:${target}`,
  ];
}
