import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCleanup } from '../../../activities/files/cleanup.ts';
import { createDeleteSource } from '../../../activities/files/delete/delete-source.ts';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { jobScratch } from '../../../activities/scratch.ts';
import { Scene, TestTask } from './scene.ts';

const source = { jobId: 7, tenant: 'acme', storage: 'local', folder: 'in/movie1' } as const;

let scene: Scene;
let task: TestTask;

beforeEach(async () => {
  scene = await Scene.create();
  task = new TestTask(7);
  await scene.putSource('in/movie1/a.mp4', 'aaa');
  await scene.putSource('in/movie1/b.m4a', 'bb');
  await scene.putSource('in/movie10/a.mp4', 'of another job');
  await createFetchSource(scene.deps)(task, { ...source, asset: 'movie1', retries: 0 });
});

afterEach(() => scene.remove());

const deleteSource = () => createDeleteSource(scene.deps)(task, source);
const inputFiles = async () => {
  const names = await readdir(join(scene.base, 'input'), { recursive: true });
  return names.sort((a, b) => (a < b ? -1 : 1));
};

test('the fetched files go with their folder, and nothing of a folder whose name begins alike', async () => {
  await expect(deleteSource()).resolves.toEqual({ message: '2 source files deleted' });
  expect(await inputFiles()).toEqual(['in', 'in/movie10', 'in/movie10/a.mp4']);
});

test('a file that came after the fetch stays, and so does the folder', async () => {
  await scene.putSource('in/movie1/later.mp4', 'not fetched');
  await deleteSource();
  expect(await inputFiles()).toContain('in/movie1/later.mp4');
});

test('a source that was replaced after the fetch stays, and the log says so', async () => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  await scene.putSource('in/movie1/a.mp4', 'AAA');
  await expect(deleteSource()).resolves.toEqual({ message: '1 source file deleted' });
  expect(await inputFiles()).toContain('in/movie1/a.mp4');
  expect(task.notes).toEqual(['WARN a.mp4 has changed since it was fetched; it stays']);
});

test('deleting twice is no error', async () => {
  await deleteSource();
  await expect(deleteSource()).resolves.toBeDefined();
});

test('clean-up removes the job’s scratch folder and no other, and may run again', async () => {
  const other = jobScratch(scene.workRoot, 70);
  await mkdir(other);
  await writeFile(join(other, 'x'), '');
  const cleanup = createCleanup(scene.deps);
  await cleanup(task, { jobId: 7 });
  await cleanup(task, { jobId: 7 });
  expect(await readdir(scene.workRoot)).toEqual(['job-70']);
});
