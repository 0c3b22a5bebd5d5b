import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkError } from '../../../src/domain/failure.ts';
import { probe, UnreadableMediaError } from '../../../src/media/ffmpeg/probe.ts';
import { probeSource } from '../../../src/media/source/verify.ts';
import { ffmpeg, makeClip } from '../../helpers/clips.ts';

let folder: string;
const clip = (name: string): string => join(folder, name);

/** Sound files of each container, made once of the same streams. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sources-'));
  await makeClip(clip('faststart.mp4'), 4, '-movflags', '+faststart');
  const copy = (name: string, ...options: readonly string[]): Promise<void> =>
    ffmpeg('-i', clip('faststart.mp4'), '-c', 'copy', ...options, clip(name));
  await copy('plain.mov');
  await copy('plain.mkv');
  await copy('plain.avi');
  await copy('fragmented.mp4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof');
  await copy('sound.m4a', '-vn');
  await copyFile(clip('plain.mkv'), clip('matroska-named.mp4'));
  await ffmpeg('-i', clip('faststart.mp4'), '-c', 'copy', '-f', 'mpegts', clip('victim.ts'));
  // the key frame is at 2 s, so an edit list hides a second
  await ffmpeg('-ss', '3', '-i', clip('faststart.mp4'), '-c', 'copy', clip('cut.mp4'));
  // cut at the key frame: some sound before it stays in the file, hidden
  await ffmpeg('-ss', '2', '-i', clip('faststart.mp4'), '-c', 'copy', clip('cut-clean.mp4'));
  await ffmpeg('-ss', '2', '-i', clip('faststart.mp4'), '-c', 'copy', clip('cut-clean.mov'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const verify = async (name: string) =>
  probeSource({ path: clip(name), name: `Client's ${name}` }, new AbortController().signal);

test.each([
  ['faststart.mp4', 100, true],
  ['plain.mov', 100, false],
  ['plain.mkv', 100, false],
  ['plain.avi', 100, false],
  ['fragmented.mp4', 100, true],
  ['matroska-named.mp4', 100, false],
  ['cut-clean.mp4', 50, true],
  ['cut-clean.mov', 50, false],
])('%s is sound: %i pictures, read by the packager as it is: %s', async (name, frames, isPlain) => {
  const file = await verify(name);
  expect(file.streams.find((one) => one.kind === 'video')?.packets).toBe(frames);
  expect(file.isPlainMp4).toBe(isPlain);
});

test('a file of sound only is a source', async () => {
  expect((await verify('sound.m4a')).streams.map((one) => one.kind)).toEqual(['audio']);
});

const damage = async (
  source: string,
  name: string,
  change: (bytes: Buffer) => Buffer,
): Promise<string> => {
  await writeFile(clip(name), change(await readFile(clip(source))));
  return name;
};

const half = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length >> 1);
const withoutTail = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 2000);

test.each([
  ['faststart.mp4', half],
  ['faststart.mp4', withoutTail],
  ['fragmented.mp4', half],
  ['plain.mov', half],
  ['plain.mkv', half],
  ['plain.mkv', withoutTail],
  ['plain.avi', half],
  ['plain.avi', withoutTail],
])('%s cut short (%o) is refused by the bytes it lacks', async (source, change) => {
  const name = await damage(source, `short-${source}`, change);
  const failure = await verify(name).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(WorkError);
  expect(failure).toMatchObject({ type: 'InvalidMedia', isTerminal: true });
  expect(String(failure)).toMatch(
    /Client's short-\S+ is (?:cut short or damaged: it has|damaged, cut short or no media file: it has no index \(moov\),) \d+ bytes and should have at least \d+/,
  );
  expect(String(failure)).not.toContain(folder);
});

test('pictures overwritten with zeros are found without decoding', async () => {
  const name = await damage('faststart.mp4', 'zeros.mp4', (bytes) =>
    Buffer.from(bytes).fill(0, bytes.length >> 1, (bytes.length >> 1) + 20_000),
  );
  await expect(verify(name)).rejects.toThrow(/zeros\.mp4 is cut short or damaged/);
});

test('an index that says more samples than the file has is found', async () => {
  const name = await damage('faststart.mp4', 'index.mp4', (bytes) => {
    const changed = Buffer.from(bytes);
    const stco = changed.indexOf('stco');
    // the last chunk of the first track moves behind the end of the file
    const entries = changed.readUInt32BE(stco + 8);
    changed.writeUInt32BE(0x7fffffff, stco + 12 + (entries - 1) * 4);
    return changed;
  });
  await expect(verify(name)).rejects.toThrow(/index\.mp4 is cut short or damaged/);
});

test('a file cut within a group of pictures says so, and what would be right', async () => {
  await expect(verify('cut.mp4')).rejects.toThrow(
    /hides the first 1\.\d+ s of its video track by an edit list.*starts with a key frame/s,
  );
});

test('a probe that was stopped is never blamed on the file', async () => {
  const controller = new AbortController();
  controller.abort(new Error('stopped'));
  const failure = await probe(clip('faststart.mp4'), {
    isCounting: true,
    signal: controller.signal,
  }).catch((error: unknown) => error);
  expect(failure).not.toBeInstanceOf(UnreadableMediaError);
  expect(String(failure)).toMatch(/stopped/);
});

/** Documents that make a demuxer open another tenant's file; a line break hides what they are. */
const ATTACKS: readonly (readonly [string, (victim: string) => string])[] = [
  [
    'an HLS playlist with an absolute URL',
    (victim) => `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://${victim}\n#EXT-X-ENDLIST\n`,
  ],
  [
    'an HLS playlist with a relative path',
    () => '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n../other/movie.ts\n#EXT-X-ENDLIST\n',
  ],
  [
    'a DASH manifest',
    (victim) =>
      `<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>file://${victim}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
  ],
  ['a concat list', (victim) => `ffconcat version 1.0\nfile ${victim}\n`],
  ['a concat list through a link', () => 'ffconcat version 1.0\nfile link.ts\n'],
  [
    'an SVG image',
    (victim) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file://${victim}"/></svg>`,
  ],
];

/** A tenant's folder, beside another's with a movie in it and a link to that movie. */
async function makeTenants(): Promise<{ readonly tenant: string; readonly victim: string }> {
  const home = await mkdtemp(join(folder, 'attack-'));
  const victim = join(home, 'other', 'movie.ts');
  const tenant = join(home, 'tenant');
  await mkdir(join(home, 'other'));
  await mkdir(tenant);
  await copyFile(clip('victim.ts'), victim);
  await symlink(victim, join(tenant, 'link.ts'));
  return { tenant, victim };
}

test.each(ATTACKS.filter(([what]) => /HLS|through a link/.test(what)))(
  'a bare ffprobe does open the other file: %s is a real attack',
  async (_what, build) => {
    const { tenant, victim } = await makeTenants();
    const path = join(tenant, 'movie.mp4');
    await writeFile(path, build(victim));
    const { stdout } = await execa('ffprobe', ['-v', 'error', '-show_streams', path]);
    expect(stdout).toContain('codec_name=h264');
  },
);

test.each(
  ATTACKS.flatMap((attack) =>
    ['mp4', 'mkv', 'm4a'].map((extension) => [extension, ...attack] as const),
  ),
)('as a .%s, %s is refused and opens no other file', async (extension, _what, build) => {
  const { tenant, victim } = await makeTenants();
  const path = join(tenant, `movie.${extension}`);
  await writeFile(path, build(victim));
  const verifying = probeSource({ path, name: `movie.${extension}` }, new AbortController().signal);
  await expect(verifying).rejects.toMatchObject({ type: 'InvalidMedia' });
  // the whitelist alone refuses it too, whatever the look at its first bytes says
  await expect(probe(path, { isCounting: true })).rejects.toThrow(UnreadableMediaError);
});
