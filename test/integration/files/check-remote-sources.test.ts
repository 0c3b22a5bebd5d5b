import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { makeClip } from '../../helpers/clips.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { REMOTE_KINDS } from '../../helpers/wires.ts';
import { Scene, TestTask } from './scene.ts';

/** A size from which on sources are looked at before they are fetched. */
const LARGE = 70 * 1024 * 1024;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-large-'));
  await makeClip(join(folder, 'clip.mp4'), 2);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A clip that a box of nothing, a hole in the file, makes as large as that. */
async function largeClip(name: string, sizeBytes = LARGE): Promise<string> {
  const path = join(folder, name);
  const clip = await readFile(join(folder, 'clip.mp4'));
  await writeFile(path, clip);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(sizeBytes - clip.length);
  header.write('free', 4, 'latin1');
  await appendFile(path, header);
  await truncate(path, sizeBytes);
  return path;
}

describe.each(REMOTE_KINDS)('a large source on %s', (kind) => {
  let storage: TestStorage;
  let scene: Scene;

  beforeEach(async () => {
    storage = await openTestStorage(kind);
    scene = await Scene.create({ input: storage.driver });
  });

  afterEach(async () => {
    await scene.remove();
    await storage.remove();
  });

  const fetch = (task = new TestTask(7)) =>
    createFetchSource(scene.deps)(task, {
      jobId: 7,
      tenant: 'acme',
      storage: kind,
      folder: 'film',
      asset: 'film',
      retries: 3,
    });

  test('is fetched where it is whole', async () => {
    await storage.driver.upload(await largeClip('whole.mp4'), 'film/whole.mp4');
    expect(await fetch()).toEqual({ message: '1 file, 73.4 MB' });
    expect(scene.input.calls.filter((one) => one.call === 'download')).toHaveLength(1);
  });

  test('is not moved where it is cut short, and the job is told at once and for good', async () => {
    const path = await largeClip('cut.mp4');
    await truncate(path, LARGE - 1);
    await storage.driver.upload(path, 'film/cut.mp4');
    const fetching = fetch();
    await expect(fetching).rejects.toMatchObject({ type: 'InvalidMedia', isTerminal: true });
    await expect(fetching).rejects.toThrow(
      `cut.mp4 is cut short or damaged: it has ${LARGE - 1} bytes and should have at least ${LARGE}`,
    );
    expect(scene.input.calls.filter((one) => one.call === 'download')).toEqual([]);
    expect(scene.input.readBytes).toBeLessThan(LARGE / 20);
  });

  test('is not judged where it was written anew, and longer, after it was listed', async () => {
    await storage.driver.upload(await largeClip('film.mp4'), 'film/film.mp4');
    const longer = await largeClip('longer.mp4', LARGE + 1_000_000);
    const { read } = scene.input;
    scene.input.read = async (...asked) => {
      scene.input.read = read;
      await storage.driver.upload(longer, 'film/film.mp4');
      return read(...asked);
    };
    const task = new TestTask(7);
    expect(await fetch(task)).toEqual({ message: '1 file, 74.4 MB' });
    expect(task.notes[0]).toMatch(/changed after it was listed.*fetching again/);
  });

  test('is not moved where it is a web page under the name of a film', async () => {
    const path = join(folder, 'page.mp4');
    await writeFile(path, '<!doctype html><html><body>not found</body></html>');
    await truncate(path, LARGE);
    await storage.driver.upload(path, 'film/page.mp4');
    await expect(fetch()).rejects.toThrow('page.mp4 is a web page, not media');
    expect(scene.input.calls.filter((one) => one.call === 'download')).toEqual([]);
  });

  test('is left to the fetch where looking at it would take too long', async () => {
    // a thousand fragments, each to be asked for
    const path = join(folder, 'fragments.mp4');
    const box = Buffer.alloc(LARGE / 1024);
    box.writeUInt32BE(box.length);
    box.write('free', 4, 'latin1');
    await writeFile(path, Buffer.concat(Array.from({ length: 1024 }, () => box)));
    expect((await stat(path)).size).toBe(LARGE);
    await storage.driver.upload(path, 'film/fragments.mp4');
    expect(await fetch()).toEqual({ message: '1 file, 73.4 MB' });
  });
});
