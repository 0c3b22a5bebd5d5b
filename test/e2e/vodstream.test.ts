import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackSink, orderFaults } from '../helpers/callback-sink.ts';
import { decodedFrames, makeLanguageFolder, pictureHashes, realClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let engine: TestEngine;
let sink: CallbackSink;

beforeAll(async () => {
  engine = await TestEngine.create();
  sink = await new CallbackSink().start();
});

afterAll(async () => {
  await sink.close();
  await engine.stop();
});

test('the real clip comes out with every picture of its source, and each step is told in order', async () => {
  const source = await engine.sourceFolder('bunny');
  await copyFile(realClip(), join(source, 'bunny.mp4'));
  const customData = { n: 1, nested: ['a'] };
  const jobId = await engine.submit({
    content_id: 'bunny',
    source_folder: 'bunny',
    output_folder: 'vod/bunny',
    generate_mp4: 'true',
    rest_endpoints: [sink.url()],
    custom_data: customData,
  });
  const job = await engine.untilEnded(jobId);
  expect(job).toMatchObject({ queue_state: 'completed', failed: false });
  await until(async () => sink.hasEnd(jobId) || undefined, 20, 'the job end');

  const bodies = sink.delivered(jobId);
  expect(orderFaults(bodies)).toEqual([]);
  const end = bodies.at(-1);
  const folder = engine.outputFolder('vod/bunny');
  expect(end).toMatchObject({
    status: 'completed',
    message: join(folder, 'bunny.m3u8'),
    custom_data: customData,
    metadata: { duration: 5.28 },
  });
  const files = ((end?.['files'] ?? []) as readonly string[]).map((path) =>
    path.slice(folder.length + 1),
  );
  expect([...files].sort()).toEqual((await readdir(folder)).sort());

  const hashes = await pictureHashes(realClip());
  for (const manifest of ['bunny.m3u8', 'bunny.mp4']) {
    expect(await pictureHashes(join(folder, manifest))).toEqual(hashes);
  }
  const dashVideo = files.find((name) => name.endsWith('video-720p.mp4')) ?? '';
  expect(await decodedFrames(join(folder, dashVideo))).toBe(hashes.length);
  await expect(readdir(join(engine.folder, 'work'))).resolves.toEqual([]);
});

test('two languages and subtitles are in both manifests', async () => {
  await makeLanguageFolder(await engine.sourceFolder('movie'), 10);
  const jobId = await engine.submit({
    content_id: 'movie',
    source_folder: 'movie',
    output_folder: 'vod/movie',
  });
  await expect(engine.untilEnded(jobId)).resolves.toMatchObject({ failed: false });
  const names = await readdir(engine.outputFolder('vod/movie'));
  expect(names).toEqual(
    expect.arrayContaining([
      `movie-${jobId}-audio-en.mp4`,
      `movie-${jobId}-audio-es.mp4`,
      `movie-${jobId}-text-en.vtt`,
    ]),
  );
});

test('a folder without a source fails the job at once with a message that names the folder', async () => {
  const folder = await engine.sourceFolder('empty');
  await writeFile(join(folder, 'readme.txt'), 'no video here');
  const jobId = await engine.submit({
    content_id: 'none',
    source_folder: 'empty',
    rest_endpoints: [sink.url()],
  });
  const job = await engine.untilEnded(jobId, 20);
  expect(job).toMatchObject({ queue_state: 'completed', failed: true });
  expect(job['message']).toContain(folder);
  await until(async () => sink.hasEnd(jobId) || undefined, 20, 'the job end');
  expect(sink.delivered(jobId).at(-1)).toMatchObject({ status: 'failed', message: job['message'] });
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('a second publication that cannot be undone leaves no file of the first behind', async () => {
  await engine.set('undo_window', 0);
  await makeLanguageFolder(await engine.sourceFolder('again'), 4);
  const parameters = { content_id: 'again', source_folder: 'again', output_folder: 'vod/again' };
  const first = await engine.submit(parameters);
  await engine.untilEnded(first);
  const second = await engine.submit(parameters);
  await engine.untilEnded(second);
  const names = await readdir(engine.outputFolder('vod/again'));
  expect(names.filter((name) => name.includes(`-${first}-`))).toEqual([]);
  expect(names.some((name) => name.includes(`-${second}-video`))).toBe(true);
});

test('delete_source deletes the sources and nothing else in their folder', async () => {
  const folder = await engine.sourceFolder('gone');
  await makeLanguageFolder(folder, 4);
  await writeFile(join(folder, 'notes.txt'), 'mine');
  const jobId = await engine.submit({
    content_id: 'gone',
    source_folder: 'gone',
    output_folder: 'vod/gone',
    delete_source: true,
  });
  await expect(engine.untilEnded(jobId)).resolves.toMatchObject({ failed: false });
  expect(await readdir(folder)).toEqual(['notes.txt']);
});
