import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { stageFolder, writeDocument } from '../../../activities/scratch.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { faultsOf, ManifestSampler } from './manifest-sampler.ts';
import { Scene, TestTask } from './scene.ts';

const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];

let scene: Scene;
let folder: string;

beforeEach(async () => {
  scene = await Scene.create();
  folder = scene.output.fullPath('vod/film');
});

afterEach(() => scene.remove());

/** Stages and publishes a job whole. */
async function publishJob(jobId: number): Promise<void> {
  await scene.stage(jobId);
  await publishAttempt(await scene.publication.claim(new TestTask(jobId)));
}

const publishAttempt = (task: TestTask) =>
  createPublish(scene.deps)(task, scene.publishInput(task.jobId));

/** Every file of the output folder with its content. */
async function snapshot(): Promise<ReadonlyMap<string, string>> {
  const names = await scene.outputNames('vod/film');
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  return new Map(names.map((name, at) => [name, texts[at] ?? '']));
}

const played = () => ({ storage: scene.watchOutput(), folder: 'vod/film' });

async function expectPlayable(): Promise<void> {
  for (const manifest of MANIFESTS) {
    expect(await readFile(join(folder, manifest), 'utf8')).not.toBe('');
    expect(await faultsOf(played(), manifest)).toEqual([]);
  }
}

test('an asset is published whole, its manifests last, and the job’s result names every file', async () => {
  await publishJob(12);
  await expectPlayable();
  const names = await scene.outputNames('vod/film');
  expect(names.filter((name) => !name.startsWith('film 1-12-'))).toEqual([
    'film 1.jpg',
    'film 1.m3u8',
    'film 1.mpd',
    'film 1_metadata.json',
    'film.mp4',
  ]);
  const moves = scene.output.calls.filter((one) => one.call === 'move').map((one) => one.key);
  expect(moves.slice(-2)).toEqual(['vod/film/film 1.mpd', 'vod/film/film 1.m3u8']);
  expect(scene.output.calls.findLastIndex((one) => one.call === 'upload')).toBeLessThan(
    scene.output.calls.findIndex((one) => one.call === 'move'),
  );
  const { result } = scene.publication.published[0] ?? expect.fail('nothing was recorded');
  expect(result.message).toBe(join(folder, 'film 1.m3u8'));
  expect([...(result.files ?? [])].sort()).toEqual(names.map((name) => join(folder, name)));
});

test('a new publication replaces the former one and leaves none of its files', async () => {
  await publishJob(12);
  await publishJob(13);
  await expectPlayable();
  const names = await scene.outputNames('vod/film');
  expect(names.filter((name) => name.includes('-12-'))).toEqual([]);
});

test('a failure at any file leaves the asset on air as it was, and a sampler sees no broken manifest', async () => {
  await publishJob(12);
  const before = await snapshot();
  await scene.stage(13);
  const calls = scene.output.calls.length;
  const sampler = new ManifestSampler(played(), MANIFESTS, 20);
  const uploads = 3 + 1 + 4 + 5; // tracks, captions, playlists, files of fixed names
  for (let failing = 1; failing <= uploads + 1; failing++) {
    const start = scene.output.calls.length;
    scene.output.before = async (call, key, count) => {
      if (call !== 'delete' && count === start + failing) {
        throw new WorkError('StorageFailed', `no answer for ${call} of ${key}`);
      }
    };
    const task = await scene.publication.claim(new TestTask(13, failing));
    await expect(publishAttempt(task)).rejects.toThrow(/^no answer for (?:upload|move) of/);
    const after = await snapshot();
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, content] of before) expect(after.get(name) === content).toBe(true);
  }
  expect(scene.output.calls.length).toBeGreaterThan(calls + uploads);
  scene.output.before = async () => undefined;
  await publishAttempt(await scene.publication.claim(new TestTask(13, 100)));
  await sampler.stop();
  expect(sampler.violations).toEqual([]);
  expect(sampler.samples).toBeGreaterThan(5);
  await expectPlayable();
});

test('a failure in the middle of the switch leaves every manifest playable, and the retry ends it', async () => {
  await publishJob(12);
  await scene.stage(13);
  const sampler = new ManifestSampler(played(), MANIFESTS, 20);
  for (const [at, name] of ['film.mp4', 'film 1.mpd', 'film 1.m3u8'].entries()) {
    scene.output.before = async (call, key) => {
      if (call === 'move' && key === `vod/film/${name}`) throw new Error('disk gone');
    };
    const task = await scene.publication.claim(new TestTask(13, at + 1));
    await expect(publishAttempt(task)).rejects.toThrow('disk gone');
    await expectPlayable();
  }
  scene.output.before = async () => undefined;
  await publishAttempt(await scene.publication.claim(new TestTask(13, 9)));
  await sampler.stop();
  expect(sampler.violations).toEqual([]);
  await expectPlayable();
  expect((await scene.outputNames('vod/film')).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a cancelled publish leaves nothing, not even a folder that was not there before', async () => {
  await scene.stage(12);
  const task = await scene.publication.claim(new TestTask(12));
  scene.output.before = async (_call, _key, count) => {
    if (count === 6) task.controller.abort(new Error('cancelled'));
  };
  await expect(publishAttempt(task)).rejects.toThrow('cancelled');
  expect(await readdir(scene.output.root).catch(() => [])).toEqual([]);
  expect(scene.publication.published).toEqual([]);
});

/** Lets a first attempt freeze in the middle of its uploads while a second publishes; then wakes it. */
async function freezeWhilePublishing(wake: (frozen: TestTask) => void): Promise<unknown> {
  await scene.stage(12);
  const first = await scene.publication.claim(new TestTask(12, 1));
  const output = scene.watchOutput();
  const gate = Promise.withResolvers<void>();
  const isFrozen = Promise.withResolvers<void>();
  let waiting = 0;
  output.before = async (call, _key, count) => {
    if (call !== 'upload' || count <= 4) return;
    waiting += 1;
    if (waiting === 4) isFrozen.resolve();
    await gate.promise;
  };
  const storages: Storages = {
    open: async ({ side }) => (side === 'input' ? scene.input : output),
  };
  const publish = createPublish({ ...scene.deps, storages });
  const outcome = publish(first, scene.publishInput(12)).catch((error: unknown) => error);
  await isFrozen.promise;
  await publishAttempt(await scene.publication.claim(new TestTask(12, 2)));
  wake(first);
  gate.resolve();
  return outcome;
}

test('an attempt that wakes up after a later one has published switches and deletes nothing', async () => {
  expect(await freezeWhilePublishing(() => undefined)).toMatchObject({ type: 'Superseded' });
  expect(scene.publication.published).toHaveLength(1);
  await expectPlayable();
});

test('an attempt that wakes up cut off does not take the files of the later one off the air', async () => {
  const outcome = await freezeWhilePublishing((first) => {
    first.controller.abort(new Error('lost its task'));
  });
  expect(outcome).toMatchObject({ message: 'lost its task' });
  await expectPlayable();
});

test('an attempt that fails after an earlier one has switched leaves the asset on air', async () => {
  await publishJob(12);
  const before = await snapshot();
  const start = scene.output.calls.length;
  scene.output.before = async (call, _key, count) => {
    if (call === 'upload' && count > start + 3) throw new WorkError('NoSpace', 'disk full');
  };
  await expect(publishAttempt(await scene.publication.claim(new TestTask(12, 2)))).rejects.toThrow(
    'disk full',
  );
  await expectPlayable();
  const after = await snapshot();
  for (const name of before.keys()) expect(after.has(name)).toBe(true);
});

test('what a killed attempt has uploaded is not uploaded again', async () => {
  await scene.stage(12);
  const first = await scene.publication.claim(new TestTask(12, 1));
  scene.output.before = async (call) => {
    if (call === 'upload' && scene.output.calls.length === 9) {
      // a killed worker takes nothing back: by then the task is another attempt's
      await scene.publication.claim(new TestTask(12, 2));
      throw new Error('killed');
    }
  };
  await expect(publishAttempt(first)).rejects.toThrow('killed');
  const left = new Set(await scene.outputNames('vod/film'));
  expect(left.size).toBeGreaterThan(0);
  scene.output.before = async () => undefined;
  scene.output.calls.length = 0;
  await publishAttempt(new TestTask(12, 2));
  await expectPlayable();
  const again = scene.output.calls
    .filter((one) => one.call === 'upload' && one.key.endsWith('.mp4'))
    .filter((one) => left.has(one.key.slice('vod/film/'.length)));
  expect(again).toEqual([]);
});

test('a file of the same length from an earlier run of the packager is uploaded anew', async () => {
  await scene.stage(12);
  const staged = join(stageFolder(scene.workRoot, 12, 'tracks'), 'track_0.mp4');
  const { size } = await stat(staged);
  const old = join(folder, 'film 1-12-video-360p.mp4');
  await mkdir(folder, { recursive: true });
  await writeFile(old, Buffer.alloc(size));
  await utimes(old, new Date('2026-01-01'), new Date('2026-01-01'));
  await publishAttempt(await scene.publication.claim(new TestTask(12)));
  expect((await readFile(old)).equals(await readFile(staged))).toBe(true);
});

test('a file that is lost between upload and switch fails the publish before any manifest changes', async () => {
  await publishJob(12);
  const before = await readFile(join(folder, 'film 1.m3u8'), 'utf8');
  await scene.stage(13);
  scene.output.before = async (call, key) => {
    if (call !== 'upload' || !key.endsWith('-13-text-en.m3u8')) return;
    await rm(join(folder, 'film 1-13-video-360p.mp4'));
  };
  await expect(publishAttempt(await scene.publication.claim(new TestTask(13)))).rejects.toThrow(
    /film 1-13-video-360p\.mp4 is gone/,
  );
  expect(await readFile(join(folder, 'film 1.m3u8'), 'utf8')).toBe(before);
  await expectPlayable();
});

test('former files that cannot be deleted are told and do not fail the job', async () => {
  await publishJob(12);
  await scene.stage(13);
  scene.output.before = async (call) => {
    if (call === 'delete') throw new WorkError('StorageFailed', 'read-only');
  };
  const task = await scene.publication.claim(new TestTask(13));
  await publishAttempt(task);
  expect(task.notes).toEqual(['WARN Files of the former publication are left: read-only']);
  await expectPlayable();
});

test('a source in the output folder is never written over, nor deleted with a former publication', async () => {
  await scene.remove();
  scene = await Scene.create({ isOneRoot: true });
  folder = scene.output.fullPath('vod/film');
  const input = (jobId: number, mp4Filename: string | null) =>
    scene.publishInput(jobId, { sourceFolder: 'vod/film', mp4Filename });
  const publish = createPublish(scene.deps);
  await scene.stage(12);
  await publish(await scene.publication.claim(new TestTask(12)), input(12, 'film.mp4'));

  // the client puts a new source where the former job's MP4 was
  await scene.putSource('vod/film/film.mp4', 'a new film');
  await scene.stage(13);
  await writeDocument(stageFolder(scene.workRoot, 13, 'source'), 'fetched.json', [
    { originalName: 'film.mp4', sizeBytes: 10, modifiedMs: 0 },
  ]);
  const task = await scene.publication.claim(new TestTask(13));
  await expect(publish(task, input(13, 'film.mp4'))).rejects.toThrow(
    /film\.mp4 is a source of this job.*mp4_filename/,
  );
  await publish(task, input(13, null));
  expect(await readFile(join(folder, 'film.mp4'), 'utf8')).toBe('a new film');
  await expectPlayable();
});

test('an MP4 cannot take the name of another file of the asset', async () => {
  await scene.stage(12);
  const task = await scene.publication.claim(new TestTask(12));
  await expect(
    createPublish(scene.deps)(task, scene.publishInput(12, { mp4Filename: 'film 1.m3u8' })),
  ).rejects.toThrow(/^mp4_filename film 1\.m3u8 is the name of another file/);
  expect(await scene.outputNames('vod/film')).toEqual([]);
});

test('where the folder cannot be, nothing is written and nothing is left on record to be taken back', async () => {
  await mkdir(join(scene.base, 'output'), { recursive: true });
  await writeFile(join(scene.base, 'output', 'vod'), 'a file of the client');
  const task = await scene.publication.claim(new TestTask(12));
  await scene.stage(12);
  await expect(publishAttempt(task)).rejects.toMatchObject({ type: 'InvalidInput' });
  expect(scene.publication.uploads.rows.size).toBe(0);
});
