import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WorkError } from '../domain/failure.ts';
import type { StorageDriver, StoredFile, TransferOptions } from './driver.ts';
import { folderInside, isMissing, openInside, splitKey, storageFailure } from './local-path.ts';
import { joinKey } from './paths.ts';

/** Prefix of files that are not whole yet; never listed, refused as a client's name. */
const PARTIAL = '.te-';

const CHUNK_BYTES = 4 * 1024 * 1024;

const fileOf = (key: string, found: { size: number; mtimeMs: number }): StoredFile => ({
  key,
  sizeBytes: found.size,
  modifiedMs: found.mtimeMs,
});

/** Counts bytes on their way. */
function counter(onProgress: ((doneBytes: number) => void) | undefined): Transform {
  let doneBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      doneBytes += chunk.length;
      onProgress?.(doneBytes);
      done(null, chunk);
    },
  });
}

async function copy(
  from: NodeJS.ReadableStream,
  to: string,
  options: TransferOptions | undefined,
): Promise<void> {
  const target = createWriteStream(to, { flags: 'wx', highWaterMark: CHUNK_BYTES, flush: true });
  const pieces = [from, counter(options?.onProgress), target] as const;
  await (options?.signal === undefined
    ? pipeline(...pieces)
    : pipeline(...pieces, { signal: options.signal }));
}

/** Makes a rename last over a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Files of a local disk below a root. Links out of the root are refused, also when swapped in late. */
export function createLocalStorage(rootPath: string): StorageDriver {
  const root = resolve(rootPath);

  const statKey = async (key: string): Promise<StoredFile | undefined> => {
    const file = await openInside(root, key);
    if (file === undefined) return undefined;
    try {
      return fileOf(key, await file.stat());
    } finally {
      await file.close();
    }
  };

  const openExisting = async (key: string) => {
    const file = await openInside(root, key);
    if (file !== undefined) return file;
    throw new WorkError('InvalidInput', `${key} does not exist`);
  };

  return {
    kind: 'local',
    root,
    stat: statKey,
    fullPath: (key) => join(root, key),

    list: async (folder) => {
      const path = await folderInside(root, folder, { isMade: false });
      if (path === undefined) return [];
      const entries = await readdir(path, { withFileTypes: true });
      const names = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith(PARTIAL))
        .map((entry) => entry.name)
        .sort();
      const found = await Promise.all(names.map((name) => statKey(joinKey(folder, name))));
      return found.filter((one) => one !== undefined);
    },

    read: async (key, options = {}) => {
      const file = await openExisting(key);
      return file.createReadStream({
        ...(options.startByte === undefined ? {} : { start: options.startByte }),
        ...(options.endByte === undefined ? {} : { end: options.endByte - 1 }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    },

    download: async (key, path, options) => {
      const file = await openExisting(key);
      try {
        const before = await file.stat();
        const source = file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
        await copy(source, path, options);
        const [after, written] = await Promise.all([file.stat(), stat(path)]);
        if (after.mtimeMs !== before.mtimeMs || written.size !== before.size) {
          throw new WorkError('StorageFailed', `${key} changed while it was fetched`);
        }
        return fileOf(key, before);
      } catch (error) {
        await rm(path, { force: true });
        options?.signal?.throwIfAborted();
        throw storageFailure(error, `fetching ${key}`);
      } finally {
        await file.close();
      }
    },

    upload: async (path, key, options) => {
      const { folder, name } = splitKey(key);
      const target = await folderInside(root, folder, { isMade: true });
      if (target === undefined) throw new WorkError('StorageFailed', `${folder} cannot be made`);
      const stem = `${PARTIAL}${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
      await removePartials(target, stem);
      const partial = join(target, `${stem}-${randomUUID()}.part`);
      try {
        await copy(createReadStream(path, { highWaterMark: CHUNK_BYTES }), partial, options);
        await rename(partial, join(target, name));
        await syncFolder(target);
      } catch (error) {
        await rm(partial, { force: true });
        options?.signal?.throwIfAborted();
        throw storageFailure(error, `writing ${key}`);
      }
      const written = await statKey(key);
      if (written === undefined)
        throw new WorkError('StorageFailed', `${key} vanished after it was written`);
      return written;
    },

    move: async (fromKey, toKey) => {
      const from = splitKey(fromKey);
      const to = splitKey(toKey);
      const [source, target] = await Promise.all([
        folderInside(root, from.folder, { isMade: false }),
        folderInside(root, to.folder, { isMade: true }),
      ]);
      if (source === undefined || target === undefined) {
        throw new WorkError('StorageFailed', `${fromKey} does not exist any more`);
      }
      try {
        await rename(join(source, from.name), join(target, to.name));
        await syncFolder(target);
      } catch (error) {
        throw storageFailure(error, `renaming ${fromKey}`);
      }
    },

    delete: async (keys) => {
      for (const key of keys) {
        const { folder, name } = splitKey(key);
        const path = await folderInside(root, folder, { isMade: false });
        if (path === undefined) continue;
        await rm(join(path, name), { force: true }).catch((error: unknown) => {
          throw storageFailure(error, `deleting ${key}`);
        });
      }
      await removeEmptyFolders(root, keys);
    },
  };
}

/**
 * Removes what earlier writers of the same key left half done. One that is still at it, on a worker
 * that was cut off, finds its file gone when it wants to rename it, and fails.
 */
async function removePartials(folder: string, stem: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(stem) && name.endsWith('.part'))
      await rm(join(folder, name), { force: true });
  }
}

/** Folders exist in object storage only through their files; here they go with the last one. */
async function removeEmptyFolders(root: string, keys: readonly string[]): Promise<void> {
  for (const folder of new Set(keys.map((key) => splitKey(key).folder))) {
    for (let at = folder; at !== ''; at = splitKey(at).folder) {
      try {
        await rmdir(join(root, at));
      } catch (error) {
        if (isMissing(error)) continue;
        break;
      }
    }
  }
}
