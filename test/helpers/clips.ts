import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** The real clip that is kept beside the project: 5.28 s, 720p25, 5.1 AAC. */
export function realClip(): string {
  const path = join(ROOT, '..', 'shared', 'media', 'bigbuckbunny.mp4');
  if (!existsSync(path)) throw new Error(`The real clip is missing: expected it at ${path}`);
  return path;
}

/** Runs ffmpeg and throws with its complaint where it fails. */
export async function ffmpeg(...args: readonly string[]): Promise<void> {
  await execa('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', ...args]);
}

const video = (seconds: number, size = '640x360') => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=size=${size}:rate=25:duration=${seconds}`,
];
const sine = (hertz: number, seconds: number) => [
  '-f',
  'lavfi',
  '-i',
  `sine=frequency=${hertz}:sample_rate=48000:duration=${seconds}`,
];
const h264 = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-pix_fmt',
  'yuv420p',
  '-g',
  '50',
  '-keyint_min',
  '50',
  '-sc_threshold',
  '0',
  '-bf',
  '2',
];
const aac = ['-c:a', 'aac', '-b:a', '64k'];

/** A clip with English audio, 25 frames a second. */
export async function makeClip(
  path: string,
  seconds: number,
  ...extra: readonly string[]
): Promise<void> {
  await ffmpeg(
    ...video(seconds),
    ...sine(440, seconds),
    ...h264,
    ...aac,
    '-metadata:s:a:0',
    'language=eng',
    '-t',
    String(seconds),
    ...extra,
    path,
  );
}

/** A folder with a numbered clip, a second language as m4a, and subtitles that name the second. */
export async function makeLanguageFolder(folder: string, seconds: number): Promise<void> {
  await makeClip(join(folder, 'movie.mp4'), seconds, '-movflags', '+faststart');
  await ffmpeg(...sine(880, seconds), ...aac, join(folder, 'movie_es.m4a'));
  const two = (value: number) => String(value).padStart(2, '0');
  const cues = Array.from(
    { length: Math.floor(seconds / 2) },
    (_, at) =>
      `${at + 1}\n00:00:${two(at * 2)},000 --> 00:00:${two(at * 2 + 2)},000\nSecond ${at * 2}\n`,
  );
  await writeFile(join(folder, 'movie_en.srt'), cues.join('\n'));
}

/** What ffprobe says of a file, and how many frames decode. */
export async function decodedFrames(url: string, stream = 'v:0'): Promise<number> {
  const { stdout } = await execa('ffprobe', [
    '-v',
    'error',
    '-count_frames',
    '-select_streams',
    stream,
    '-show_entries',
    'stream=nb_read_frames',
    '-of',
    'csv=p=0',
    url,
  ]);
  return Number(stdout.split('\n')[0]);
}

/** MD5 of every decoded picture, in order. */
export async function pictureHashes(url: string): Promise<readonly string[]> {
  const { stdout } = await execa('ffmpeg', [
    '-v',
    'error',
    '-i',
    url,
    '-map',
    '0:v:0',
    '-f',
    'framemd5',
    '-',
  ]);
  return stdout
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}
