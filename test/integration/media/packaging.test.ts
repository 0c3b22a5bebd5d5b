import { copyFile, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageTracks } from '../../../src/media/packager/package-tracks.ts';
import type { PackagedTrack } from '../../../src/media/packager/packaged-track.ts';
import { selectTracks } from '../../../src/media/source/tracks.ts';
import { probeSource } from '../../../src/media/source/verify.ts';
import { ffmpeg, makeClip, pictureHashes, realClip } from '../../helpers/clips.ts';

let folder: string;
const clip = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packaging-'));
  await makeClip(clip('movie.mp4'), 9, '-movflags', '+faststart');
  const copy = (name: string, ...options: readonly string[]): Promise<void> =>
    ffmpeg('-i', clip('movie.mp4'), '-c', 'copy', ...options, clip(name));
  await copy('movie.mov');
  await copy('movie.mkv');
  await copy('movie.avi');
  await copy('fragmented.mp4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof');
  await copyFile(clip('movie.mov'), clip('quicktime-named.mp4'));
  const twice = ['-i', clip('movie.mp4'), '-itsoffset', '0.5', '-i', clip('movie.mp4')];
  await ffmpeg(...twice, '-map', '0:v', '-map', '1:a', '-c', 'copy', clip('late-sound.mp4'));
  await ffmpeg(...twice, '-map', '1:v', '-map', '0:a', '-c', 'copy', clip('late-pictures.mp4'));
  await ffmpeg('-i', clip('late-sound.mp4'), '-c', 'copy', clip('late-sound.mkv'));
  await copy('late-start.mkv', '-output_ts_offset', '10');
  await ffmpeg(
    '-i',
    clip('movie.mp4'),
    ...'-map 0:v -map 0:a -map 0:a -c copy'.split(' '),
    clip('two-sounds.mp4'),
  );
  await copyFile(realClip(), clip('real.mp4'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Packaged {
  readonly tracks: readonly PackagedTrack[];
  readonly target: string;
  readonly starts: Readonly<Record<string, number>>;
}

async function packageClip(name: string, ...others: readonly string[]): Promise<Packaged> {
  const signal = new AbortController().signal;
  const sources = [];
  for (const one of [name, ...others]) {
    const probed = await probeSource({ path: clip(one), name: one }, signal);
    sources.push({ originalName: one, stagedName: one, probed });
  }
  const target = await mkdtemp(join(folder, 'out-'));
  // descriptors hold nothing that a client named: sources are staged under generated names
  for (const [at, one] of sources.entries()) {
    one.stagedName = `source_${at + 1}${basename(one.originalName).replace(/^.*\./, '.')}`;
    await copyFile(clip(one.originalName), join(target, one.stagedName));
  }
  const tracks = selectTracks(sources, { allAudioTracks: true, fileProperties: {} });
  const packaged = await packageTracks({
    tracks,
    sourceFolder: target,
    targetFolder: target,
    signal,
    onCommand: () => undefined,
  });
  const starts = Object.fromEntries(tracks.map((one) => [one.id, one.startSeconds]));
  return { tracks: packaged, target, starts };
}

/** MD5 of every packet of a stream, undecoded, and its number. */
async function packetHashes(path: string, stream: string): Promise<readonly string[]> {
  const { stdout } = await execa('ffmpeg', [
    ...'-v error -ignore_editlist 1 -i'.split(' '),
    path,
    '-map',
    `0:${stream}`,
    ...'-c copy -f framemd5 -'.split(' '),
  ]);
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}

test.each([
  'movie.mp4',
  'movie.mov',
  'movie.mkv',
  'fragmented.mp4',
  'quicktime-named.mp4',
  'real.mp4',
])('every picture of %s decodes as in its source, every packet of sound is there', async (name) => {
  const { tracks, target } = await packageClip(name);
  const [video, audio] = tracks;
  expect(await pictureHashes(join(target, video?.fileName ?? ''))).toEqual(
    await pictureHashes(clip(name)),
  );
  const sound = await execa('ffprobe', [
    ...'-v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0'.split(' '),
    join(target, audio?.fileName ?? ''),
  ]);
  expect(Number.parseInt(sound.stdout, 10)).toBe(audio?.packets);
});

test('sound is not touched: its packets are the very same bytes', async () => {
  const { tracks, target } = await packageClip('movie.mp4');
  const audio = tracks.find((one) => one.kind === 'audio');
  expect(await packetHashes(join(target, audio?.fileName ?? ''), 'a:0')).toEqual(
    await packetHashes(clip('movie.mp4'), 'a:0'),
  );
});

test.each(['cut.mp4', 'cut.mov'])(
  '%s, cut at a key frame, is packaged from there',
  async (name) => {
    await ffmpeg('-ss', '2', '-i', clip('movie.mp4'), '-c', 'copy', clip(name));
    const { tracks, target } = await packageClip(name);
    expect(tracks.map((one) => one.startSeconds)).toEqual([0, 0]);
    expect(await pictureHashes(join(target, 'video_1.mp4'))).toEqual(
      await pictureHashes(clip(name)),
    );
  },
);

test('an AVI keeps its pictures too', async () => {
  const { tracks } = await packageClip('movie.avi');
  expect(tracks.map((one) => one.packets)[0]).toBe(225);
});

test.each([
  ['movie.mp4', 0],
  ['movie.mkv', 0.023],
  ['fragmented.mp4', 0.08],
  ['late-sound.mp4', -0.476],
  ['late-sound.mkv', -0.476],
  ['late-start.mkv', 0.023],
  ['late-pictures.mp4', 0.5],
])('%s stays in sync: pictures start %f s after the sound, as in the source', async (name, lag) => {
  const { tracks, starts } = await packageClip(name);
  const [video, audio] = tracks;
  const packaged = (video?.startSeconds ?? Number.NaN) - (audio?.startSeconds ?? Number.NaN);
  expect(packaged).toBeCloseTo(lag, 1);
  expect(packaged).toBeCloseTo((starts['video_1'] ?? 0) - (starts['audio_2'] ?? 0), 2);
});

test('segments begin with key frames, follow each other without a gap and fill the file', async () => {
  const { tracks, target } = await packageClip('movie.mp4');
  for (const track of tracks) {
    let at = track.indexEndByte;
    for (const segment of track.segments) {
      expect(segment.startByte).toBe(at);
      at += segment.sizeBytes;
    }
    expect(at).toBe((await stat(join(target, track.fileName))).size);
  }
  const [video] = tracks;
  const { stdout } = await execa('ffprobe', [
    ...'-v error -show_entries packet=pts_time,flags -of csv=p=0'.split(' '),
    join(target, video?.fileName ?? ''),
  ]);
  const keys = stdout
    .split('\n')
    .filter((line) => line.includes(',K'))
    .map((line) => Number.parseFloat(line));
  let startSeconds = 0;
  for (const { durationSeconds } of video?.segments ?? []) {
    expect(keys.some((key) => Math.abs(key - startSeconds) < 0.001)).toBe(true);
    startSeconds += durationSeconds;
  }
  expect(startSeconds).toBeCloseTo(9, 3);
});

test('a second sound track of one file is packaged from its own packets', async () => {
  const { tracks } = await packageClip('two-sounds.mp4');
  expect(tracks.map((one) => [one.kind, one.packets])).toEqual([
    ['video', 225],
    ['audio', tracks[1]?.packets],
    ['audio', tracks[1]?.packets],
  ]);
});

test('nothing but sources and tracks stays behind, in the folder or in the temporary one', async () => {
  const temporary = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('packager-tempfile'));
  const before = await temporary();
  const { target } = await packageClip('movie.mkv');
  expect((await readdir(target)).sort()).toEqual(['audio_2.mp4', 'source_1.mkv', 'video_1.mp4']);
  expect(await temporary()).toEqual(before);
});

test('a source that shrank after it was inspected is caught, though the packager says all is well', async () => {
  const signal = new AbortController().signal;
  const { size: sizeBytes } = await stat(clip('movie.mp4'));
  const probed = await probeSource({ path: clip('movie.mp4'), name: 'm.mp4' }, signal);
  const target = await mkdtemp(join(folder, 'shrunk-'));
  await copyFile(clip('movie.mp4'), join(target, 'source_1.mp4'));
  await truncate(join(target, 'source_1.mp4'), sizeBytes >> 1);
  const tracks = selectTracks([{ originalName: 'm.mp4', stagedName: 'source_1.mp4', probed }], {
    allAudioTracks: true,
    fileProperties: {},
  });
  await expect(
    packageTracks({
      tracks,
      sourceFolder: target,
      targetFolder: target,
      signal,
      onCommand: () => undefined,
    }),
  ).rejects.toThrow(/packaged (video|audio) track of m\.mp4 has \d+ packets, its source \d+/);
});
