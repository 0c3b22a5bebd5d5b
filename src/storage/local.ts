import { isUtf8 } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import {
  type FileHandle,
  lstat,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { WorkError } from '../domain/failure.ts';
import {
  isFolderEntry,
  type StorageDriver,
  type StoredFile,
  type TransferOptions,
} from './driver.ts';
import { fillFile } from './fill-file.ts';
import { assertRoom, copyWhole, PARTIAL } from './local-copy.ts';
import { isMissing, storageFailure } from './local-failure.ts';
import { type LocalFolder, openFile, withFolder } from './local-folder.ts';
import { copyFileAs } from './local-link.ts';
import { fileNameOf, folderOf, joinKey } from './paths.ts';

/** Length of {@link partialStem}: the prefix and 16 digits. */
const STEM_LENGTH = PARTIAL.length + 16;

const fileOf = (key: string, found: { size: number; mtimeMs: number }): StoredFile => ({
  key,
  sizeBytes: found.size,
  modifiedMs: Math.floor(found.mtimeMs),
});

/** Files of a local disk below a root. Links below it are refused, also when swapped in late. */
export function createLocalStorage(rootPath: string): StorageDriver {
  const root = resolve(rootPath);

  const openExisting = async (key: string): Promise<FileHandle> => {
    const file = await withFolder(root, folderOf(key), { isMade: false }, (folder) =>
      openFile(folder, fileNameOf(key), key),
    );
    if (file !== undefined) return file;
    throw new WorkError('InvalidInput', `${key} does not exist`);
  };

  return {
    kind: 'local',
    volume: '',
    root,
    fullPath: (key) => join(root, key),

    list: async (folder) =>
      (await withFolder(root, folder, { isMade: false }, (at) => listFiles(at, folder))) ?? [],

    listBelow: (folder) => listBelow(root, folder),

    stat: (key) =>
      withFolder(root, folderOf(key), { isMade: false }, async (folder) => {
        const file = await openFile(folder, fileNameOf(key), key);
        if (file === undefined) return undefined;
        return closing(file, async () => fileOf(key, await file.stat()));
      }),

    read: async (key, { startByte = 0, endByte, signal } = {}) => {
      const file = await openExisting(key);
      if (endByte !== undefined && endByte <= startByte) {
        await file.close();
        return Readable.from([]);
      }
      return file.createReadStream({
        start: startByte,
        ...(endByte === undefined ? {} : { end: endByte - 1 }),
        ...(signal === undefined ? {} : { signal }),
      });
    },

    download: async (key, path, options = {}) => {
      const source = await openExisting(key);
      const found = await closing(source, async () => {
        const { size, ino, mtimeNs, ctimeNs } = await source.stat({ bigint: true });
        const identity = `${join(root, key)} ${size} ${ino} ${mtimeNs} ${ctimeNs}`;
        return fillFile(path, { key, sizeBytes: Number(size), identity }, options, (target) =>
          copyWhole(source, target.file, `${key} changed while it was fetched`, {
            ...options,
            ...(options.isResumable === true ? { journal: target.journal } : {}),
          }),
        );
      });
      return { key, ...found };
    },

    upload: async (path, key, options) => {
      const source = await open(path, 'r').catch((error: unknown) => {
        throw storageFailure(error, `writing ${key}`);
      });
      return closing(source, async () => {
        const written = await withFolder(root, folderOf(key), { isMade: true }, (folder) =>
          writeWhole(source, folder, key, options),
        );
        if (written !== undefined) return written;
        throw new WorkError('StorageFailed', `The root ${root} vanished while writing ${key}`);
      });
    },

    isUploaded: async (path, key) => {
      const made = await stat(path);
      const there = await withFolder(root, folderOf(key), { isMade: false }, async (folder) => {
        const file = await openFile(folder, fileNameOf(key), key);
        return file && closing(file, () => file.stat());
      });
      // an older one of the same length may be of an earlier run of the program that made it
      return there?.size === made.size && there.mtimeMs >= made.mtimeMs;
    },

    move: async (fromKey, toKey) => {
      const isMoved = await withFolder(root, folderOf(fromKey), { isMade: false }, (from) =>
        withFolder(root, folderOf(toKey), { isMade: true }, async (to) => {
          try {
            await rename(from.pathOf(fileNameOf(fromKey)), to.pathOf(fileNameOf(toKey)));
            await to.sync();
          } catch (error) {
            throw storageFailure(error, `renaming ${fromKey}`);
          }
          return true;
        }),
      );
      if (isMoved === true) return;
      throw new WorkError('StorageFailed', `${fromKey} does not exist any more`);
    },

    copy: async (fromKey, toKey) => {
      const isCopied = await withFolder(root, folderOf(fromKey), { isMade: false }, (from) =>
        withFolder(root, folderOf(toKey), { isMade: true }, async (to) => {
          await copyFileAs(from, fileNameOf(fromKey), to, fileNameOf(toKey));
          return true;
        }),
      );
      if (isCopied === true) return;
      throw new WorkError('StorageFailed', `${fromKey} does not exist any more`);
    },

    probe: async () => {
      await withFolder(root, '', { isMade: false }, () => Promise.resolve());
    },

    delete: async (keys) => {
      const byFolder = Map.groupBy(keys, folderOf);
      for (const [folder, inside] of byFolder) {
        await withFolder(root, folder, { isMade: false }, (at) => deleteFiles(at, inside));
      }
      for (const folder of byFolder.keys()) await removeEmptyFolders(root, folder);
    },

    dropOpenUploads: async (keys) => {
      for (const [folder, inside] of Map.groupBy(keys, folderOf)) {
        const stems = inside.map((key) => partialStem(fileNameOf(key)));
        await withFolder(root, folder, { isMade: false }, (at) => removePartials(at, stems));
        await removeEmptyFolders(root, folder);
      }
    },
  };
}

async function closing<Result>(file: FileHandle, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } finally {
    await file.close();
  }
}

/** A folder and those in it, a page each; one in which is nothing as an entry of its own. */
async function* listBelow(root: string, folder: string): AsyncGenerator<readonly StoredFile[]> {
  const found = await withFolder(root, folder, { isMade: false }, async (at) => {
    const entries = await readdir(at.pathOf(''), { withFileTypes: true, encoding: 'buffer' });
    if (!entries.every((entry) => isUtf8(entry.name))) {
      throw new WorkError('InvalidInput', `${folder} holds a name that is no UTF-8 text`);
    }
    const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name.toString());
    if (entries.length === 0) {
      return { files: [{ key: `${folder}/`, sizeBytes: 0, modifiedMs: 0 }], folders: [] };
    }
    return {
      files: await statFiles(at, folder, names),
      folders: entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name.toString()),
    };
  });
  if (found === undefined) return;
  if (found.files.length > 0) yield found.files;
  for (const name of found.folders) yield* listBelow(root, `${folder}/${name}`);
}

/** Files that are whole, sorted. Links are none: nothing may be read through them. */
async function listFiles(folder: LocalFolder, key: string): Promise<readonly StoredFile[]> {
  const entries = await readdir(folder.pathOf(''), { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(PARTIAL))
    .map((entry) => entry.name)
    .sort();
  return statFiles(folder, key, names);
}

/** Those of the named files that are there and no links. */
async function statFiles(
  folder: LocalFolder,
  key: string,
  names: readonly string[],
): Promise<readonly StoredFile[]> {
  const files = await Promise.all(
    names.map(async (name) => {
      try {
        const found = await lstat(folder.pathOf(name));
        return found.isFile() ? fileOf(joinKey(key, name), found) : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw storageFailure(error, `listing ${key}`);
      }
    }),
  );
  return files.filter((file) => file !== undefined);
}

/** Runs what fills a file; where it fails, the file goes and the failure says what was being done. */
async function removedOnFailure<Result>(
  path: string,
  doing: string,
  options: TransferOptions | undefined,
  fill: () => Promise<Result>,
): Promise<Result> {
  try {
    return await fill();
  } catch (error) {
    await rm(path, { force: true });
    options?.signal?.throwIfAborted();
    throw storageFailure(error, doing);
  }
}

/** Writes under a temporary name in the same folder, then renames: whole or not there at all. */
async function writeWhole(
  source: FileHandle,
  folder: LocalFolder,
  key: string,
  options: TransferOptions | undefined,
): Promise<StoredFile> {
  const name = fileNameOf(key);
  const stem = partialStem(name);
  await removePartials(folder, [stem]);
  const partial = folder.pathOf(`${stem}-${randomUUID()}.part`);
  return removedOnFailure(partial, `writing ${key}`, options, async () => {
    const target = await open(partial, 'wx');
    const found = await closing(target, async () => {
      await assertRoom(partial, (await source.stat()).size, `writing ${key}`);
      await copyWhole(source, target, `The file for ${key} changed while it was written`, options);
      await target.sync();
      return target.stat();
    });
    options?.signal?.throwIfAborted();
    await rename(partial, folder.pathOf(name));
    await folder.sync();
    return fileOf(key, found);
  });
}

/** What the names of a file begin with while it is not whole. */
const partialStem = (name: string): string =>
  `${PARTIAL}${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;

/**
 * Removes what earlier writers of the same keys left half done. One that is still at it, on a worker
 * that was cut off, finds its file gone when it wants to rename it, and fails.
 */
async function removePartials(folder: LocalFolder, stems: readonly string[]): Promise<void> {
  const wanted = new Set(stems);
  for (const name of await readdir(folder.pathOf(''))) {
    if (name.endsWith('.part') && wanted.has(name.slice(0, STEM_LENGTH))) {
      await rm(folder.pathOf(name), { force: true });
    }
  }
}

async function deleteFiles(folder: LocalFolder, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    // goes with the folders that are empty
    if (isFolderEntry(key)) continue;
    try {
      await unlink(folder.pathOf(fileNameOf(key)));
    } catch (error) {
      if (!isMissing(error)) throw storageFailure(error, `deleting ${key}`);
    }
  }
}

/** Folders exist in object storage only through their files; here they go with the last one. */
async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let at = folder; at !== ''; at = folderOf(at)) {
    try {
      await withFolder(root, folderOf(at), { isMade: false }, (parent) =>
        rmdir(parent.pathOf(fileNameOf(at))),
      );
    } catch (error) {
      // not empty, or not ours to remove
      if (!isMissing(error)) return;
    }
  }
}
