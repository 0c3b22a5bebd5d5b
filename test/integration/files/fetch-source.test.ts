import { appendFile, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FetchSourceInput } from '../../../activities/files/contract.ts';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { DOCUMENTS, type SourceFile } from '../../../activities/media/documents.ts';
import { jobScratch, readDocument, stageFolder } from '../../../activities/scratch.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import { Scene, TestTask } from './scene.ts';

let scene: Scene;
let task: TestTask;

beforeEach(async () => {
  scene = await Scene.create();
  task = new TestTask(7);
});

afterEach(() => scene.remove());

const fetchFolder = (changes: Partial<FetchSourceInput> = {}) =>
  createFetchSource(scene.deps)(task, {
    jobId: 7,
    tenant: 'acme',
    storage: 'local',
    folder: 'film',
    asset: 'film',
    retries: 0,
    ...changes,
  });

const stage = () => stageFolder(scene.workRoot, 7, 'source');

const leftInScratch = () => readdir(jobScratch(scene.workRoot, 7)).catch(() => []);

/** No later task can see a source. */
const expectNothingStaged = async () => {
  expect(await leftInScratch()).not.toContain('source');
};

test('files of any name are staged under generated names, whole and in the order of their names', async () => {
  const names = ['a, b %d.MP4', 'film:1 🎬.mkv', 'spanish_es.m4a', 'subs.vtt', 'zero.mov'];
  for (const name of names) await scene.putSource(`film/${name}`, name === 'zero.mov' ? '' : name);
  await scene.putSource('film/notes.txt', 'no source');
  await scene.putSource('film/deeper/other.mp4', 'not directly in the folder');
  expect(await fetchFolder()).toEqual({ message: '5 files, 48 bytes' });
  const files = await readDocument<readonly SourceFile[]>(stage(), DOCUMENTS.files);
  expect(files.map((file) => [file.originalName, file.stagedName, file.role])).toEqual([
    ['a, b %d.MP4', 'source_1.mp4', 'media'],
    ['film:1 🎬.mkv', 'source_2.mkv', 'media'],
    ['spanish_es.m4a', 'source_3.m4a', 'media'],
    ['subs.vtt', 'source_4.vtt', 'captions'],
    ['zero.mov', 'source_5.mov', 'media'],
  ]);
  expect(await readFile(join(stage(), 'source_2.mkv'), 'utf8')).toBe('film:1 🎬.mkv');
  expect(task.told.at(-1)).toMatchObject({ doneBytes: 48, doneRatio: 1 });
});

test('a folder without media fails at once, whatever retries says, and is named in full', async () => {
  await scene.putSource('film/subs.srt', 'captions alone are no source');
  const failure = await fetchFolder({ retries: 5 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'InvalidInput', isTerminal: true });
  expect((failure as Error).message).toContain(`${join(scene.base, 'input', 'film')}: `);
  expect((failure as Error).message).toMatch(/mp4.*mkv.*m4a/);
  expect(task.notes).toEqual([]);
  expect(await leftInScratch()).toEqual([]);
});

test('what earlier publications left in the folder is no source', async () => {
  await scene.putSource('film/film.mov', 'the source');
  for (const name of ['film-3-video-720p.mp4', 'film-3-audio-en.mp4', 'film-3-text-en.vtt']) {
    await scene.putSource(`film/${name}`, 'published');
  }
  await fetchFolder();
  const files = await readDocument<readonly SourceFile[]>(stage(), DOCUMENTS.files);
  expect(files.map((file) => file.originalName)).toEqual(['film.mov']);
});

test('an MP4 that a job published is a source only where there is no other', async () => {
  scene.publication.published.push({
    tenant: 'acme',
    storage: 'local',
    folder: 'film',
    location: `local:${join(scene.base, 'input', 'film')}`,
    asset: 'film',
    files: ['film/film.mp4'],
    result: { message: '' },
  });
  const fetchedNames = async () => {
    await fetchFolder();
    const files = await readDocument<readonly SourceFile[]>(stage(), DOCUMENTS.files);
    return files.map((file) => file.originalName);
  };
  await scene.putSource('film/film.mp4', 'published');
  expect(await fetchedNames()).toEqual(['film.mp4']);
  await scene.putSource('film/master.mov', 'the source');
  expect(await fetchedNames()).toEqual(['master.mov']);
});

test('a link is never fetched, even where it is the only file', async () => {
  await scene.putSource('secret.mp4', 'of someone else');
  await scene.putSource('film/readme.txt', '');
  await symlink('../secret.mp4', join(scene.base, 'input', 'film', 'film.mp4'));
  await expect(fetchFolder()).rejects.toThrow(/^No source found/);
  await expectNothingStaged();
});

test('fetching is tried again as often as retries says, and each time is told', async () => {
  await scene.putSource('film/film.mp4', 'content');
  scene.input.before = async (_call, _key, count) => {
    if (count <= 2) throw new WorkError('StorageFailed', `no answer ${count}`);
  };
  await expect(fetchFolder({ retries: 2 })).resolves.toEqual({ message: '1 file, 7 bytes' });
  expect(task.notes).toEqual([
    'WARN no answer 1; fetching again in 0.005 s (1 of 2)',
    'WARN no answer 2; fetching again in 0.005 s (2 of 2)',
  ]);
});

test('the last failure is the task’s when retries are used up', async () => {
  await scene.putSource('film/film.mp4', 'content');
  scene.input.before = async (_call, _key, count) => {
    throw new WorkError('StorageFailed', `no answer ${count}`);
  };
  await expect(fetchFolder({ retries: 1 })).rejects.toThrow('no answer 2');
  await expectNothingStaged();
});

test('a source that is still being uploaded fails the fetch', async () => {
  const path = await scene.putSource('film/film.mp4', 'half');
  scene.input.before = async () => appendFile(path, ' and more');
  await expect(fetchFolder()).rejects.toThrow(
    /film\.mp4 changed after it was listed, from 4 to 13 bytes/,
  );
  await expectNothingStaged();
});

test('a source that is replaced by one of the same length fails the fetch', async () => {
  const path = await scene.putSource('film/film.mp4', 'old');
  scene.input.before = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(path, 'new');
  };
  await expect(fetchFolder()).rejects.toThrow(/changed after it was listed/);
});

test('one file that cannot be fetched stops the others', async () => {
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) {
    const path = await scene.putSource(`film/${name}`, '');
    await truncate(path, 2_000_000_000);
  }
  scene.input.before = async (_call, key) => {
    if (!key.endsWith('c.mp4')) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
    throw new WorkError('StorageFailed', 'no answer');
  };
  const start = performance.now();
  await expect(fetchFolder()).rejects.toThrow('no answer');
  expect(performance.now() - start).toBeLessThan(1500);
  await expectNothingStaged();
});

test('a cancelled fetch ends soon and stages nothing', async () => {
  const path = await scene.putSource('film/a.mp4', '');
  await truncate(path, 4_000_000_000);
  setTimeout(() => task.controller.abort(new Error('cancelled')), 50);
  const start = performance.now();
  await expect(fetchFolder({ retries: 3 })).rejects.toThrow('cancelled');
  expect(performance.now() - start).toBeLessThan(1500);
  await expectNothingStaged();
});

test('a source larger than the disk is refused before the disk is filled', async () => {
  const path = await scene.putSource('film/a.mp4', '');
  await truncate(path, 15e12);
  const failure = await fetchFolder().catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'NoSpace' });
  expect((failure as Error).message).toMatch(
    /^No space left for fetching film\/a\.mp4: 15000000 MB are needed, \d+ MB are free$/,
  );
  expect(await leftInScratch()).toEqual([]);
});
