import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDeleteSource } from '../../../activities/files/delete/delete-source.ts';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { jobScratch, stageFolder } from '../../../activities/scratch.ts';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { Scene, TestTask } from './scene.ts';

describe.each(STORAGE_KINDS)('fetching from %s', (kind) => {
  const source = { jobId: 7, tenant: 'acme', storage: kind, folder: 'film' } as const;
  let storage: TestStorage;
  let scene: Scene;
  let task: TestTask;

  beforeEach(async () => {
    storage = await openTestStorage(kind);
    scene = await Scene.create({ input: storage.driver });
    task = new TestTask(7);
    await put('film/a.mp4', 'the source');
    await put('film/b.m4a', 'its sound');
    await put('film2/a.mp4', 'of another job');
  });

  afterEach(async () => {
    await scene.remove();
    await storage.remove();
  });

  const put = async (key: string, content: string): Promise<void> => {
    const path = join(scene.base, 'up');
    await writeFile(path, content);
    await storage.driver.upload(path, key);
  };

  const fetchSource = (retries = 0) =>
    createFetchSource(scene.deps)(task, { ...source, asset: 'film', retries });

  test('the sources of a folder are staged whole, with their bytes as progress', async () => {
    expect(await fetchSource()).toEqual({ message: '2 files, 19 bytes' });
    const stage = stageFolder(scene.workRoot, 7, 'source');
    expect(await readFile(join(stage, 'source_1.mp4'), 'utf8')).toBe('the source');
    expect(await readFile(join(stage, 'source_2.m4a'), 'utf8')).toBe('its sound');
    expect(task.told.at(-1)).toMatchObject({ doneBytes: 19, doneRatio: 1 });
  });

  test('a source that is replaced after it was listed, by one as long, fails the fetch', async () => {
    let isReplaced = false;
    let number = 0;
    scene.input.before = async (call, key) => {
      if (call !== 'download' || key !== 'film/a.mp4' || isReplaced) return;
      isReplaced = true;
      // local disks tell times: another one is needed
      await new Promise((resolve) => setTimeout(resolve, 20));
      await put('film/a.mp4', `another ${(number += 1) + 9}`);
    };
    await expect(fetchSource()).rejects.toThrow(/film\/a\.mp4 changed after it was listed/);
    expect(await readdir(jobScratch(scene.workRoot, 7))).not.toContain('source');
    isReplaced = false;
    expect(await fetchSource(1)).toEqual({ message: '2 files, 19 bytes' });
    const warned = task.notes.filter((note) => note.startsWith('WARN'));
    expect(warned).toEqual([expect.stringMatching(/fetching again in 0\.005 s \(1 of 1\)/)]);
  });

  test('what was fetched is deleted, and a file that is another one by now stays', async () => {
    await fetchSource();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await put('film/a.mp4', 'THE SOURCE');
    const { message } = await createDeleteSource(scene.deps)(task, source);
    expect(message).toBe('1 source file deleted');
    expect(task.notes).toEqual(['WARN a.mp4 has changed since it was fetched; it stays']);
    expect(await storage.allKeys()).toEqual(['film/a.mp4', 'film2/a.mp4']);
  });
});
