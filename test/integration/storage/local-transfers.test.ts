import { randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createLocalStorage } from '../../../src/storage/local.ts';

let base: string;
let root: string;
let storage: StorageDriver;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-transfers-'));
  root = join(base, 'tenant');
  await mkdir(join(root, 'movie'), { recursive: true });
  storage = createLocalStorage(root);
});

afterEach(() => rm(base, { recursive: true, force: true }));

test.each([0, 1, 2 * 1024 * 1024, 2 * 1024 * 1024 + 1, 11_000_003])(
  'a file of %i bytes goes up and comes down unchanged',
  async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    await writeFile(join(base, 'local'), bytes);
    expect(await storage.upload(join(base, 'local'), 'movie/a')).toMatchObject({ sizeBytes });
    expect(await storage.download('movie/a', join(base, 'copy'))).toMatchObject({ sizeBytes });
    expect((await readFile(join(base, 'copy'))).equals(bytes)).toBe(true);
  },
);

test('a range is read from its first byte up to and without its last', async () => {
  await writeFile(join(root, 'movie', 'a'), '0123456789');
  const read = async (startByte?: number, endByte?: number) =>
    text(
      await storage.read('movie/a', {
        ...(startByte === undefined ? {} : { startByte }),
        ...(endByte === undefined ? {} : { endByte }),
      }),
    );
  expect(await read()).toBe('0123456789');
  expect(await read(4)).toBe('456789');
  expect(await read(2, 5)).toBe('234');
  expect(await read(8, 100)).toBe('89');
  expect(await read(3, 3)).toBe('');
});

test('what is not there is undefined, empty, or a refusal that names it', async () => {
  expect(await storage.stat('movie/none')).toBeUndefined();
  expect(await storage.stat('none/none')).toBeUndefined();
  expect(await storage.list('none')).toEqual([]);
  await expect(storage.read('movie/none')).rejects.toMatchObject({ type: 'InvalidInput' });
  await expect(storage.download('movie/none', join(base, 'copy'))).rejects.toThrow(
    'movie/none does not exist',
  );
  expect(await createLocalStorage(join(base, 'no-root')).list('movie')).toEqual([]);
});

test('an upload makes the folders it needs, the root too', async () => {
  const fresh = createLocalStorage(join(base, 'fresh', 'root'));
  await writeFile(join(base, 'local'), 'x');
  await fresh.upload(join(base, 'local'), 'a/b/c');
  expect((await fresh.list('a/b')).map((file) => file.key)).toEqual(['a/b/c']);
});

test('a file that is being written is not listed, and the former one is read until it is whole', async () => {
  await writeFile(join(root, 'movie', 'a'), 'former');
  await writeFile(join(base, 'local'), Buffer.alloc(20_000_000, 'n'));
  const seen: unknown[] = [];
  await storage.upload(join(base, 'local'), 'movie/a', {
    onProgress: (doneBytes) => {
      if (doneBytes < 20_000_000) {
        seen.push(storage.list('movie').then((files) => files.map((file) => file.sizeBytes)));
      }
    },
  });
  expect(seen.length).toBeGreaterThan(0);
  expect((await Promise.all(seen))[0]).toEqual([6]);
  expect(await storage.stat('movie/a')).toMatchObject({ sizeBytes: 20_000_000 });
});

test('what a killed writer of the same file left half done goes with the next upload of it', async () => {
  const names = async () => (await readdir(join(root, 'movie'))).sort((a, b) => (a < b ? -1 : 1));
  await writeFile(join(base, 'local'), Buffer.alloc(80_000_000));
  const stop = new AbortController();
  const seen: Promise<readonly string[]>[] = [];
  const uploading = storage.upload(join(base, 'local'), 'movie/a', {
    signal: stop.signal,
    onProgress: () => {
      seen.push(names().finally(() => stop.abort(new Error('stopped'))));
    },
  });
  await expect(uploading).rejects.toThrow('stopped');
  const [partial] = (await seen[0]) ?? [];
  if (partial === undefined) expect.fail('no unfinished file was seen');
  await writeFile(join(root, 'movie', partial), 'half');
  expect(await storage.list('movie')).toEqual([]);

  await storage.upload(join(base, 'local'), 'movie/b');
  expect(await names()).toEqual([partial, 'b']);
  await storage.upload(join(base, 'local'), 'movie/a');
  expect(await names()).toEqual(['a', 'b']);
});

test('a source that is cut short while it is fetched fails the fetch and leaves nothing', async () => {
  const path = join(root, 'movie', 'big');
  await writeFile(path, Buffer.alloc(60_000_000));
  let cutting: Promise<void> | undefined;
  const fetching = storage.download('movie/big', join(base, 'copy'), {
    onProgress: () => {
      cutting ??= truncate(path, 30_000_000);
    },
  });
  await expect(fetching).rejects.toThrow('movie/big changed while it was fetched');
  await cutting;
  expect(await readdir(base)).toEqual(['tenant']);
});

test('a scratch file that grows while it is published is not published', async () => {
  const path = join(base, 'local');
  await writeFile(path, Buffer.alloc(60_000_000));
  let growing: Promise<void> | undefined;
  const writing = storage.upload(path, 'movie/a', {
    onProgress: () => {
      growing ??= appendFile(path, 'more');
    },
  });
  await expect(writing).rejects.toThrow('The file for movie/a changed while it was written');
  await growing;
  expect(await readdir(join(root, 'movie'))).toEqual([]);
});

test('a file larger than the disk is refused before the disk is filled', async () => {
  await writeFile(join(base, 'local'), '');
  await truncate(join(base, 'local'), 15e12);
  await expect(storage.upload(join(base, 'local'), 'movie/a')).rejects.toMatchObject({
    type: 'NoSpace',
    message: expect.stringMatching(
      /^No space left for writing movie\/a: 15000000 MB are needed, \d+ MB are free$/,
    ) as string,
  });
  expect(await readdir(join(root, 'movie'))).toEqual([]);
});

test('progress tells growing bytes up to all of them, a few times a second', async () => {
  await writeFile(join(base, 'local'), Buffer.alloc(80_000_000));
  const told: number[] = [];
  const start = performance.now();
  await storage.upload(join(base, 'local'), 'movie/a', { onProgress: (done) => told.push(done) });
  const seconds = (performance.now() - start) / 1000;
  expect(told.at(-1)).toBe(80_000_000);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.length).toBeLessThanOrEqual(2 + seconds * 4);
});

test('a transfer that is aborted before it begins moves nothing', async () => {
  await writeFile(join(base, 'local'), 'x');
  const signal = AbortSignal.abort(new Error('stopped'));
  await expect(storage.upload(join(base, 'local'), 'movie/a', { signal })).rejects.toThrow(
    'stopped',
  );
  expect(await readdir(join(root, 'movie'))).toEqual([]);
});

test('a rename replaces what was there, and one of nothing is told', async () => {
  await writeFile(join(root, 'movie', 'a'), 'new');
  await mkdir(join(root, 'other'));
  await writeFile(join(root, 'other', 'b'), 'old');
  await storage.move('movie/a', 'other/b');
  expect(await readFile(join(root, 'other', 'b'), 'utf8')).toBe('new');
  await expect(storage.move('movie/a', 'other/b')).rejects.toMatchObject({ type: 'StorageFailed' });
  await expect(storage.move('none/a', 'other/b')).rejects.toMatchObject({ type: 'StorageFailed' });
});

test('a delete keeps folders that hold anything, even unfinished files, and never the root', async () => {
  await writeFile(join(root, 'movie', 'a'), 'x');
  await mkdir(join(root, 'kept', 'empty'), { recursive: true });
  await writeFile(join(root, 'kept', 'a'), 'x');
  await storage.delete(['movie/a', 'kept/a', 'none/x', 'movie/a']);
  expect(await readdir(root)).toEqual(['kept']);
  await writeFile(join(root, 'a'), 'x');
  await rm(join(root, 'kept'), { recursive: true });
  await storage.delete(['a']);
  expect(await readdir(root)).toEqual([]);
});

test('a delete of a folder’s name deletes nothing', async () => {
  await writeFile(join(root, 'movie', 'a'), 'x');
  await expect(storage.delete(['movie'])).rejects.toMatchObject({ type: 'StorageFailed' });
  expect(await readdir(join(root, 'movie'))).toEqual(['a']);
});

test('a listing is sorted and says size and time of each file', async () => {
  for (const name of ['b', 'a', 'Z', 'ä']) await writeFile(join(root, 'movie', name), name);
  await utimes(join(root, 'movie', 'a'), new Date(0), new Date(1_700_000_000_123));
  const files = await storage.list('movie');
  expect(files.map((file) => file.key)).toEqual(['movie/Z', 'movie/a', 'movie/b', 'movie/ä']);
  expect(files[1]).toEqual({ key: 'movie/a', sizeBytes: 1, modifiedMs: 1_700_000_000_123 });
});

test('what the system denies is told with its reason, and nothing half done is left', async () => {
  await mkdir(join(root, 'movie', 'a'));
  await writeFile(join(base, 'local'), 'x');
  await expect(storage.upload(join(base, 'local'), 'movie/a')).rejects.toMatchObject({
    type: 'StorageFailed',
    message: 'The storage refused writing movie/a (EISDIR)',
  });
  expect(await readdir(join(root, 'movie'))).toEqual(['a']);
});
