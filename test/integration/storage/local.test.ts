import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createLocalStorage } from '../../../src/storage/local.ts';

let base: string;
let root: string;
let storage: StorageDriver;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-storage-'));
  root = join(base, 'tenant');
  await mkdir(join(root, 'movie'), { recursive: true });
  await mkdir(join(base, 'other'));
  await writeFile(join(base, 'other', 'secret.mp4'), 'SECRET');
  await writeFile(join(root, 'movie', 'a.mp4'), 'content');
  storage = createLocalStorage(root);
});

afterEach(() => rm(base, { recursive: true, force: true }));

test('a file goes up whole, is listed, comes down and is deleted with its empty folder', async () => {
  await writeFile(join(base, 'local'), 'x'.repeat(100_000));
  await storage.upload(join(base, 'local'), 'out/deep/b.mp4');
  expect((await storage.list('out/deep')).map((one) => [one.key, one.sizeBytes])).toEqual([
    ['out/deep/b.mp4', 100_000],
  ]);
  await storage.download('out/deep/b.mp4', join(base, 'copy'));
  expect(await readFile(join(base, 'copy'), 'utf8')).toBe('x'.repeat(100_000));
  await storage.delete(['out/deep/b.mp4', 'out/deep/none']);
  expect(await readdir(root)).toEqual(['movie']);
});

test('links out of the root are refused wherever they stand', async () => {
  await symlink(join(base, 'other', 'secret.mp4'), join(root, 'movie', 'link.mp4'));
  await symlink(join(base, 'other'), join(root, 'folder'));
  await expect(storage.download('movie/link.mp4', join(base, 'copy'))).rejects.toThrow(
    /symbolic link/,
  );
  await expect(storage.download('folder/secret.mp4', join(base, 'copy'))).rejects.toThrow(
    /symbolic link/,
  );
  await expect(storage.list('folder')).rejects.toThrow(/symbolic link/);
  await writeFile(join(base, 'local'), 'x');
  await expect(storage.upload(join(base, 'local'), 'folder/new.mp4')).rejects.toThrow(
    /symbolic link/,
  );
  expect(await readdir(join(base, 'other'))).toEqual(['secret.mp4']);
  expect((await storage.list('movie')).map((one) => one.key)).toEqual(['movie/a.mp4']);
});

test('a folder swapped for a link while it is read never gives away what is behind it', async () => {
  await writeFile(join(root, 'movie', 'secret.mp4'), 'public');
  let isOver = false;
  const swapping = (async () => {
    while (!isOver) {
      await rename(join(root, 'movie'), join(root, 'aside'));
      await symlink(join(base, 'other'), join(root, 'movie'));
      await rm(join(root, 'movie'));
      await rename(join(root, 'aside'), join(root, 'movie'));
    }
  })();
  for (let tries = 0; tries < 1500; tries++) {
    const target = join(base, 'copy');
    await storage.download('movie/secret.mp4', target).then(
      async () => expect(await readFile(target, 'utf8')).toBe('public'),
      () => undefined,
    );
    await rm(target, { force: true });
  }
  isOver = true;
  await swapping;
});

test('a source that grows while it is fetched fails the fetch and leaves nothing', async () => {
  await writeFile(join(root, 'movie', 'big.mp4'), Buffer.alloc(40 * 1024 * 1024));
  let isGrown = false;
  const fetching = storage.download('movie/big.mp4', join(base, 'copy'), {
    onProgress: () => {
      if (isGrown) return;
      isGrown = true;
      void writeFile(join(root, 'movie', 'big.mp4'), 'more', { flag: 'a' });
    },
  });
  await expect(fetching).rejects.toThrow(/changed while it was fetched/);
  await expect(readFile(join(base, 'copy'))).rejects.toThrow('ENOENT');
});

test('an aborted upload leaves nothing', async () => {
  await writeFile(join(base, 'local'), Buffer.alloc(40 * 1024 * 1024));
  const controller = new AbortController();
  const uploading = storage.upload(join(base, 'local'), 'movie/b.mp4', {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(uploading).rejects.toThrow(/abort/i);
  expect(await readdir(join(root, 'movie'))).toEqual(['a.mp4']);
});
