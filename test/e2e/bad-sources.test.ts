import { copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ffmpeg, makeClip } from '../helpers/clips.ts';
import { TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let good: string;

beforeAll(async () => {
  engine = await TestEngine.create();
  good = join(engine.folder, 'good.mp4');
  await makeClip(good, 4, '-movflags', '+faststart');
});

afterAll(async () => {
  await engine.stop();
});

/** Where another tenant's media lies; nothing of it may come out. */
async function foreignMedia(): Promise<string> {
  const folder = join(engine.folder, 'input', 'other', 'secret');
  await mkdir(folder, { recursive: true });
  await ffmpeg('-i', good, '-c', 'copy', '-f', 'mpegts', join(folder, 'movie.ts'));
  return folder;
}

const half = async (path: string): Promise<void> =>
  truncate(path, Math.floor((await readFile(path)).length / 2));

const CASES: readonly (readonly [string, (path: string) => Promise<void>, RegExp])[] = [
  ['an empty file', (path) => writeFile(path, ''), /movie\.mp4 is empty/],
  [
    'random bytes',
    (path) => writeFile(path, Buffer.alloc(100_000, 0x5a)),
    /movie\.mp4 is damaged, cut short or no media/,
  ],
  [
    'a file cut in half',
    async (path) => {
      await copyFile(good, path);
      await half(path);
    },
    /movie\.mp4 is cut short or damaged/,
  ],
  [
    'a file whose index is cut off',
    async (path) => {
      await makeClip(path, 4);
      await half(path);
    },
    /movie\.mp4 is damaged, cut short or no media/,
  ],
  [
    'a picture',
    (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'color=red:s=64x64',
        '-frames:v',
        '1',
        '-f',
        'image2',
        '-c:v',
        'png',
        path,
      ),
    /movie\.mp4/,
  ],
  [
    'a web page',
    (path) => writeFile(path, '<!doctype html><html><body>404</body></html>'),
    /movie\.mp4 is a web page/,
  ],
  [
    'an HLS playlist that points at another tenant',
    async (path) => {
      const folder = await foreignMedia();
      await writeFile(
        path,
        `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://${folder}/movie.ts\n#EXT-X-ENDLIST\n`,
      );
    },
    /movie\.mp4 is an HLS playlist/,
  ],
  [
    'an HLS playlist with a relative path',
    async (path) => {
      await foreignMedia();
      await writeFile(
        path,
        `\n#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n../../other/secret/movie.ts\n#EXT-X-ENDLIST\n`,
      );
    },
    /movie\.mp4 is damaged, cut short or no media/,
  ],
  [
    'a DASH manifest',
    async (path) => {
      const folder = await foreignMedia();
      await writeFile(
        path,
        `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>file://${folder}/</BaseURL></Period></MPD>`,
      );
    },
    /movie\.mp4 is a DASH manifest/,
  ],
  [
    'a concat list',
    async (path) => {
      const folder = await foreignMedia();
      await writeFile(path, `ffconcat version 1.0\nfile ${folder}/movie.ts\n`);
    },
    /movie\.mp4 is a concat list/,
  ],
  [
    'HEVC video',
    (path) =>
      ffmpeg(
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=320x180:d=1',
        '-c:v',
        'libx265',
        '-x265-params',
        'log-level=none',
        path,
      ),
    /hevc video, which cannot be packaged; sources must be H\.264 video and AAC audio/,
  ],
];

test.each(CASES)(
  '%s as movie.mp4 fails the job with its reason and publishes nothing',
  async (name, make, reason) => {
    const folder = name.replaceAll(/\W+/g, '-');
    await make(join(await engine.sourceFolder(folder), 'movie.mp4'));
    const jobId = await engine.submit({
      content_id: 'bad',
      source_folder: folder,
      output_folder: `out/${folder}`,
    });
    const job = await engine.untilEnded(jobId, 30);
    expect(job).toMatchObject({ queue_state: 'completed', failed: true });
    expect(job['message']).toMatch(reason);
    expect(job['message']).not.toContain(engine.folder);
    await expect(readdir(engine.outputFolder(`out/${folder}`))).rejects.toThrow('ENOENT');
    await expect(readdir(join(engine.folder, 'work'))).resolves.toEqual([]);
  },
);
