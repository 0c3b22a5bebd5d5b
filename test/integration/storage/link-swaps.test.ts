import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  lstat,
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
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createLocalStorage } from '../../../src/storage/local.ts';

const TRIES = 10_000;

/** Of memory where there is such a disk: waiting for a real one makes a write ten times slower. */
const DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let base: string;
let root: string;
let other: string;
let storage: StorageDriver;

beforeEach(async () => {
  base = await mkdtemp(join(DISK, 'task-engine-links-'));
  root = join(base, 'tenant');
  other = join(base, 'tenantB');
  await mkdir(join(root, 'movie', 'deep'), { recursive: true });
  await mkdir(join(other, 'deep', 'empty'), { recursive: true });
  await writeFile(join(other, 'secret.mp4'), 'SECRET');
  await writeFile(join(other, 'deep', 'secret.mp4'), 'SECRET');
  await writeFile(join(root, 'movie', 'secret.mp4'), 'public');
  await writeFile(join(root, 'movie', 'deep', 'secret.mp4'), 'public');
  await writeFile(join(base, 'local'), 'public');
  storage = createLocalStorage(root);
});

afterEach(() => rm(base, { recursive: true, force: true }));

/** Everything below the other tenant's folder with its content. */
async function otherTenant(): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(other, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    await Promise.all(
      entries.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, entry.isFile() ? await readFile(path, 'utf8') : 'folder'] as const;
      }),
    ),
  );
}

/** Makes `movie` the tenant's own folder again, with its files, whatever stands there now. */
async function restore(): Promise<void> {
  const movie = join(root, 'movie');
  const aside = join(root, 'aside');
  if (!(await lstat(movie).catch(() => undefined))?.isDirectory()) await rm(movie, { force: true });
  await rename(aside, movie).catch(() => undefined);
  await mkdir(join(movie, 'deep'), { recursive: true });
  await writeFile(join(movie, 'secret.mp4'), 'public');
  await writeFile(join(movie, 'deep', 'secret.mp4'), 'public');
  await rm(aside, { recursive: true, force: true });
}

/** Runs `work` many times while `movie` is now the folder, now a link to the other tenant. */
async function whileSwapping(
  work: () => Promise<unknown>,
): Promise<{ swaps: number; passed: number }> {
  let isOver = false;
  let swaps = 0;
  const swapping = (async () => {
    while (!isOver) {
      try {
        await rename(join(root, 'movie'), join(root, 'aside'));
        await symlink(other, join(root, 'movie'));
        swaps += 1;
      } catch {
        // the work made or removed the folder just then
      }
      await restore().catch(() => undefined);
    }
  })();
  let passed = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    await work().then(
      () => (passed += 1),
      () => undefined,
    );
  }
  isOver = true;
  await swapping;
  return { swaps, passed };
}

test('what is read while folders are swapped for links is never the other tenant’s', async () => {
  const copy = join(base, 'copy');
  const seen = new Set<string>();
  const { swaps, passed } = await whileSwapping(async () => {
    await storage.download('movie/deep/secret.mp4', copy);
    seen.add(await readFile(copy, 'utf8'));
  });
  // empty: read in the moment in which the swapper writes the file anew
  expect([...seen].filter((text) => text !== '')).toEqual(['public']);
  expect(swaps).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(20);
});

test('what is listed while folders are swapped for links is never the other tenant’s', async () => {
  await writeFile(join(other, 'deep', 'theirs.mp4'), 'SECRET');
  const seen = new Set<string>();
  const { swaps, passed } = await whileSwapping(async () => {
    for (const file of await storage.list('movie/deep')) seen.add(file.key);
    const found = await storage.stat('movie/deep/theirs.mp4');
    if (found !== undefined) seen.add(found.key);
  });
  expect([...seen]).toEqual(['movie/deep/secret.mp4']);
  expect(swaps).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(20);
});

test('what is written while folders are swapped for links never reaches the other tenant', async () => {
  const before = await otherTenant();
  const { swaps, passed } = await whileSwapping(async () => {
    await storage.upload(join(base, 'local'), 'movie/deep/new.mp4');
    await storage.move('movie/deep/new.mp4', 'movie/deep/renamed.mp4');
  });
  expect(await otherTenant()).toEqual(before);
  expect(swaps).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(20);
});

test('what is deleted while folders are swapped for links is never the other tenant’s', async () => {
  const before = await otherTenant();
  const { swaps } = await whileSwapping(() =>
    storage.delete(['movie/secret.mp4', 'movie/deep/secret.mp4', 'movie/deep/empty/none']),
  );
  expect(await otherTenant()).toEqual(before);
  expect(swaps).toBeGreaterThan(20);
});

test('a link inside the root is refused as well: what it points at may change', async () => {
  await symlink('movie', join(root, 'latest'));
  await symlink('secret.mp4', join(root, 'movie', 'alias.mp4'));
  await expect(storage.stat('latest/secret.mp4')).rejects.toThrow(/latest.* symbolic link/);
  await expect(storage.read('movie/alias.mp4')).rejects.toThrow(/alias\.mp4.* symbolic link/);
  await expect(storage.delete(['latest/secret.mp4'])).rejects.toThrow(/symbolic link/);
  expect(await readFile(join(root, 'movie', 'secret.mp4'), 'utf8')).toBe('public');
});

test('a link is not copied, neither as what it is nor with what it points at', async () => {
  await symlink(join(other, 'secret.mp4'), join(root, 'movie', 'film.mp4'));
  await expect(storage.copy('movie/film.mp4', 'movie/copy.mp4')).rejects.toThrow(/symbolic link/);
  expect((await readdir(join(root, 'movie'))).sort()).toEqual(['deep', 'film.mp4', 'secret.mp4']);
});

test('what is copied while files are swapped for links is never the other tenant’s, and no link', async () => {
  const [file, aside] = [join(root, 'movie', 'secret.mp4'), join(root, 'movie', 'aside')];
  let isOver = false;
  let swaps = 0;
  const swapping = (async () => {
    while (!isOver) {
      await rename(file, aside);
      await symlink(join(other, 'secret.mp4'), file);
      await rename(aside, file);
      await new Promise(setImmediate);
      swaps += 1;
    }
  })();
  let passed = 0;
  for (let tries = 0; tries < 2000; tries++) {
    await storage.copy('movie/secret.mp4', 'movie/copy.mp4').then(
      () => (passed += 1),
      () => undefined,
    );
    const copy = join(root, 'movie', 'copy.mp4');
    const found = await lstat(copy).catch(() => undefined);
    if (found !== undefined) {
      expect(found.isFile()).toBe(true);
      expect(await readFile(copy, 'utf8')).toBe('public');
    }
  }
  isOver = true;
  await swapping;
  expect(swaps).toBeGreaterThan(20);
  expect(passed).toBeGreaterThan(0);
});

test('an upload replaces a link, and writes nothing through it', async () => {
  await symlink(join(other, 'secret.mp4'), join(root, 'movie', 'out.mp4'));
  await storage.upload(join(base, 'local'), 'movie/out.mp4');
  expect(await readFile(join(other, 'secret.mp4'), 'utf8')).toBe('SECRET');
  expect(await storage.stat('movie/out.mp4')).toMatchObject({ sizeBytes: 6 });
});

test('a delete removes a link, and nothing behind it', async () => {
  await symlink(join(other, 'secret.mp4'), join(root, 'movie', 'out.mp4'));
  await storage.delete(['movie/out.mp4']);
  expect(await readdir(join(root, 'movie'))).toEqual(['deep', 'secret.mp4']);
  expect(await readFile(join(other, 'secret.mp4'), 'utf8')).toBe('SECRET');
});

test('a pipe named like a movie is refused at once and never waited for', async () => {
  await promisify(execFile)('mkfifo', [join(root, 'movie', 'pipe.mp4')]);
  await expect(storage.download('movie/pipe.mp4', join(base, 'copy'))).rejects.toThrow(
    /pipe\.mp4 is no regular file/,
  );
  expect((await storage.list('movie')).map((file) => file.key)).toEqual(['movie/secret.mp4']);
});

test('a file where a folder should be is refused', async () => {
  await expect(storage.upload(join(base, 'local'), 'movie/secret.mp4/x')).rejects.toThrow(
    /is no folder/,
  );
  await expect(storage.list('movie/secret.mp4')).rejects.toThrow(/is no folder/);
});

test('the root itself may be a link: the operator put it there', async () => {
  await symlink(root, join(base, 'mount'));
  const mounted = createLocalStorage(join(base, 'mount'));
  expect((await mounted.list('movie')).map((file) => file.key)).toEqual(['movie/secret.mp4']);
  expect(mounted.fullPath('movie/a')).toBe(join(base, 'mount', 'movie', 'a'));
});
