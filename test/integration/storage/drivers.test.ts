import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { isSameFile } from '../../../src/storage/driver.ts';
import { joinKey, parseFolder } from '../../../src/storage/paths.ts';
import { HOSTILE_PATHS } from '../../helpers/hostile-paths.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';

const MB = 1024 * 1024;

describe.each(STORAGE_KINDS)('%s storage', (kind) => {
  let base: string;
  let storage: TestStorage;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'task-engine-drivers-'));
    storage = await openTestStorage(kind);
  });

  afterEach(async () => {
    await storage.remove();
    await rm(base, { recursive: true, force: true });
  });

  const localFile = async (name: string, content: string | Buffer): Promise<string> => {
    const path = join(base, name);
    await writeFile(path, content);
    return path;
  };

  const put = async (key: string, content: string | Buffer): Promise<void> => {
    await storage.driver.upload(await localFile('up', content), key);
  };

  const contentOf = async (key: string): Promise<string> => text(await storage.driver.read(key));

  test.each([0, 1, 8 * MB, 8 * MB + 1, 40 * MB + 7])(
    'a file of %d bytes comes back as it went up',
    async (sizeBytes) => {
      const content = randomBytes(sizeBytes);
      const up: number[] = [];
      const written = await storage.driver.upload(await localFile('a', content), 'film/a.mp4', {
        onProgress: (done) => up.push(done),
      });
      expect(written).toMatchObject({ key: 'film/a.mp4', sizeBytes });
      const down: number[] = [];
      const target = join(base, 'b');
      const found = await storage.driver.download('film/a.mp4', target, {
        onProgress: (done) => down.push(done),
      });
      expect((await readFile(target)).equals(content)).toBe(true);
      expect(found.sizeBytes).toBe(sizeBytes);
      if (sizeBytes > 0) expect([up.at(-1), down.at(-1)]).toEqual([sizeBytes, sizeBytes]);
      expect(await storage.openUploads()).toBe(0);
    },
  );

  test('a folder lists its own files by name, with what stat says of them, and no hidden one', async () => {
    for (const key of [
      'film/b.mp4',
      'film/a b ü%41 🎬.mp4',
      'film/.te-1-x',
      'film/deep/c.mp4',
      'film2/d.mp4',
      'fil/e.mp4',
    ]) {
      await put(key, key);
    }
    const listed = await storage.driver.list('film');
    expect(listed.map((one) => one.key)).toEqual(['film/a b ü%41 🎬.mp4', 'film/b.mp4']);
    for (const one of listed) {
      const found = (await storage.driver.stat(one.key)) ?? expect.fail('is gone');
      expect(isSameFile(one, found)).toBe(true);
      expect(await contentOf(one.key)).toBe(one.key);
    }
    expect(await storage.driver.list('none')).toEqual([]);
    expect(await storage.driver.stat('film/none')).toBeUndefined();
    if (kind !== 'local') expect(await storage.driver.stat('film')).toBeUndefined();
  });

  test('a listing goes beyond one page', async () => {
    const path = await localFile('one', 'x');
    const keys = Array.from({ length: 1050 }, (_, n) => `many/${String(n).padStart(4, '0')}.m4s`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(keys.slice(at, at + 50).map((key) => storage.driver.upload(path, key)));
    }
    expect((await storage.driver.list('many')).map((one) => one.key)).toEqual(keys);
    await storage.driver.delete(keys);
    expect(await storage.allKeys()).toEqual([]);
  });

  test('bytes are read from where to where it is asked, and no further', async () => {
    await put('film/a.txt', '0123456789');
    const read = async (startByte?: number, endByte?: number) =>
      (
        await buffer(
          await storage.driver.read('film/a.txt', {
            ...(startByte === undefined ? {} : { startByte }),
            ...(endByte === undefined ? {} : { endByte }),
          }),
        )
      ).toString();
    expect(await read()).toBe('0123456789');
    expect(await read(2, 5)).toBe('234');
    expect(await read(8)).toBe('89');
    expect(await read(8, 100)).toBe('89');
    expect(await read(4, 4)).toBe('');
  });

  test('a file that is not there is named, whichever way it is asked for', async () => {
    const missing = { type: 'InvalidInput', message: expect.stringContaining('film/none') };
    await expect(storage.driver.read('film/none')).rejects.toMatchObject(missing);
    await expect(storage.driver.download('film/none', join(base, 'b'))).rejects.toMatchObject(
      missing,
    );
    await expect(stat(join(base, 'b'))).rejects.toThrow('ENOENT');
    await expect(storage.driver.move('film/none', 'film/b')).rejects.toMatchObject({
      type: 'StorageFailed',
    });
  });

  test.each(['a b+c.mp4', 'ü%41?#&=.mp4', "🎬 '(1)'!*;:@,$.mp4"])(
    'a file named %s is moved, read and deleted',
    async (name) => {
      await put('film/up', name);
      await storage.driver.move('film/up', `film/${name}`);
      await storage.driver.move(`film/${name}`, `a & b/${name}`);
      expect((await storage.driver.list('a & b')).map((one) => one.key)).toEqual([`a & b/${name}`]);
      expect(await contentOf(`a & b/${name}`)).toBe(name);
      await storage.driver.delete([`a & b/${name}`]);
      expect(await storage.allKeys()).toEqual([]);
    },
  );

  test('a copy has what the file held, and stays when the file is replaced or copied back', async () => {
    await put('film/a.m3u8', 'first');
    await storage.driver.copy('film/a.m3u8', 'film/.te-undo-1-x.m3u8');
    // the same file under both keys: a local disk leaves a rename undone there
    await storage.driver.copy('film/.te-undo-1-x.m3u8', 'film/a.m3u8');
    await put('film/a.m3u8', 'second');
    expect([await contentOf('film/a.m3u8'), await contentOf('film/.te-undo-1-x.m3u8')]).toEqual([
      'second',
      'first',
    ]);
    await storage.driver.copy('film/.te-undo-1-x.m3u8', 'film/a.m3u8');
    expect(await contentOf('film/a.m3u8')).toBe('first');
    expect([...(await storage.allKeys())].sort()).toEqual([
      'film/.te-undo-1-x.m3u8',
      'film/a.m3u8',
    ]);
    await expect(storage.driver.copy('film/none', 'film/b')).rejects.toMatchObject({
      type: 'StorageFailed',
    });
  });

  test.each([1000, 12 * MB])('a file of %d bytes is moved over another one', async (sizeBytes) => {
    const content = randomBytes(sizeBytes);
    await put('film/.te-1-x.mp4', content);
    await put('film/a.mp4', 'the former one');
    const before = await storage.driver.stat('film/a.mp4');
    await storage.driver.move('film/.te-1-x.mp4', 'film/a.mp4');
    const after = (await storage.driver.stat('film/a.mp4')) ?? expect.fail('is gone');
    expect(before !== undefined && isSameFile(before, after)).toBe(false);
    const target = join(base, 'b');
    await storage.driver.download('film/a.mp4', target);
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(await storage.allKeys()).toEqual(['film/a.mp4']);
    expect(await storage.openUploads()).toBe(0);
  });

  test.each([
    ['film.m3u8', 'application/vnd.apple.mpegurl'],
    ['film.mpd', 'application/dash+xml'],
    ['film.mp4', 'video/mp4'],
    ['film-en.m4a', 'audio/mp4'],
    ['film-en.vtt', 'text/vtt; charset=utf-8'],
    ['film.jpg', 'image/jpeg'],
    ['film_metadata.json', 'application/json'],
    ['film.gif', 'image/gif'],
  ])('%s is published as %s, with its cache header, also when moved', async (name, type) => {
    const path = await localFile(name, 'x');
    await storage.driver.upload(path, `film/1-${name}`);
    await storage.driver.upload(path, `film/.te-1-${name}`, { isFixedName: true });
    await storage.driver.move(`film/.te-1-${name}`, `film/${name}`);
    const [early, fixed] = [
      await storage.headers(`film/1-${name}`),
      await storage.headers(`film/${name}`),
    ];
    if (kind === 'local') return expect([early, fixed]).toEqual([undefined, undefined]);
    expect(early).toEqual({ type, cache: 'public, max-age=31536000, immutable' });
    expect(fixed).toEqual({ type, cache: 'no-cache' });
  });

  test('a large file keeps its type and cache header when it is copied in parts', async () => {
    const path = await localFile('film.mp4', randomBytes(12 * MB));
    await storage.driver.upload(path, 'film/.te-1-film.mp4', { isFixedName: true });
    await storage.driver.move('film/.te-1-film.mp4', 'film/film.mp4');
    const headers = await storage.headers('film/film.mp4');
    if (kind !== 'local') expect(headers).toEqual({ type: 'video/mp4', cache: 'no-cache' });
  });

  test('an upload is known again by its file, and not by another of the same length', async () => {
    const path = await localFile('a', 'content');
    expect(await storage.driver.isUploaded(path, 'film/a.mp4')).toBe(false);
    await storage.driver.upload(path, 'film/a.mp4');
    expect(await storage.driver.isUploaded(path, 'film/a.mp4')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(path, 'CONTENT');
    expect(await storage.driver.isUploaded(path, 'film/a.mp4')).toBe(false);
  });

  test('deleting takes exactly the files named, and one that is gone is no error', async () => {
    for (const key of ['movie1/a', 'movie1/ab', 'movie10/a', 'movie1a']) await put(key, key);
    await storage.driver.delete(['movie1/a', 'movie1/none']);
    expect(await storage.allKeys()).toEqual(['movie1/ab', 'movie10/a', 'movie1a']);
  });

  test('a source that changes while it is fetched fails the fetch and leaves nothing', async () => {
    await put('film/a.mp4', randomBytes(40 * MB));
    let changed: Promise<unknown> | undefined;
    const fetching = storage.driver.download('film/a.mp4', join(base, 'b'), {
      onProgress: () => {
        changed ??=
          kind === 'local'
            ? appendFile(storage.driver.fullPath('film/a.mp4'), 'more')
            : put('film/a.mp4', 'another one');
      },
    });
    await expect(fetching).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringMatching(/film\/a\.mp4 changed while it was fetched$/),
    });
    await changed;
    await expect(stat(join(base, 'b'))).rejects.toThrow('ENOENT');
  });

  test('a local file that changes while it goes up is not published', async () => {
    const path = await localFile('a', randomBytes(40 * MB));
    await put('film/a.mp4', 'the former one');
    let changed: Promise<unknown> | undefined;
    const uploading = storage.driver.upload(path, 'film/a.mp4', {
      onProgress: () => {
        changed ??= appendFile(path, 'more');
      },
    });
    await expect(uploading).rejects.toMatchObject({ type: 'StorageFailed' });
    await changed;
    expect(await contentOf('film/a.mp4')).toBe('the former one');
    expect(await storage.openUploads()).toBe(0);
  });

  test('an aborted upload leaves nothing, not even parts, and the former file as it was', async () => {
    const path = await localFile('a', randomBytes(60 * MB));
    await put('film/a.mp4', 'the former one');
    const controller = new AbortController();
    const uploading = storage.driver.upload(path, 'film/a.mp4', {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('cancelled')),
    });
    await expect(uploading).rejects.toThrow('cancelled');
    expect(await contentOf('film/a.mp4')).toBe('the former one');
    expect(await storage.allKeys()).toEqual(['film/a.mp4']);
    expect(await storage.openUploads()).toBe(0);
  });

  test('an aborted download leaves nothing', async () => {
    await put('film/a.mp4', randomBytes(60 * MB));
    const controller = new AbortController();
    const fetching = storage.driver.download('film/a.mp4', join(base, 'b'), {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('cancelled')),
    });
    await expect(fetching).rejects.toThrow('cancelled');
    await expect(stat(join(base, 'b'))).rejects.toThrow('ENOENT');
  });

  test('two uploads of one key at once leave one of the two, whole', async () => {
    const contents = [randomBytes(20 * MB), randomBytes(20 * MB)];
    const paths = await Promise.all(contents.map((one, at) => localFile(`up${at}`, one)));
    const ends = await Promise.allSettled(
      paths.map((path) => storage.driver.upload(path, 'film/a.mp4')),
    );
    expect(ends.some((end) => end.status === 'fulfilled')).toBe(true);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const found = hash(await buffer(await storage.driver.read('film/a.mp4')));
    expect(contents.map(hash)).toContain(found);
    expect(await storage.openUploads()).toBe(0);
  });

  test(`none of ${HOSTILE_PATHS.length} hostile folders becomes a key outside the root`, async () => {
    const path = await localFile('one', 'x');
    const accepted = HOSTILE_PATHS.flatMap((one) => {
      try {
        return [joinKey(parseFolder(one, 'output_folder'), 'x.mp4')];
      } catch {
        return [];
      }
    });
    // `v1` and `v1/x` cannot both be on a disk: one after the other
    for (const key of new Set(accepted)) {
      await storage.driver.upload(path, key);
      expect(await storage.allKeys()).toEqual([key]);
      await storage.driver.delete([key]);
    }
    expect(await storage.allKeys()).toEqual([]);
  });

  test('a full path is the root and the key, as the storage spells it', async () => {
    const { driver } = storage;
    expect(driver.fullPath('film/a.mp4')).toBe(`${driver.root}/film/a.mp4`);
    if (kind !== 'local') expect(driver.root).toBe('tenants/acme');
    await driver.probe();
  });
});
