import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../domain/failure.ts';
import { codeOf, isMissing, linkRefusal, storageFailure } from './local-failure.ts';

/** A folder that is held open: what it was stays what is worked on, whatever is put in its place. */
export interface LocalFolder {
  /** Where a file of the folder is reached, through the folder's descriptor (`''`: the folder). */
  pathOf(name: string): string;
  /** Makes new and renamed entries last over a power cut. */
  sync(): Promise<void>;
}

/**
 * Runs `work` on a folder below a root, made where `isMade` says so; undefined where it does not
 * exist. The path is walked part by part, each opened below the one before and never through a link
 * (`openat` by way of `/proc/self/fd`), so that no folder can be swapped for a link between check and
 * use. Throws a WorkError `InvalidInput` for a link or a file on the way. The root itself may be a
 * link: the operator put it there.
 */
export async function withFolder<Result>(
  root: string,
  folder: string,
  options: { readonly isMade: boolean },
  work: (folder: LocalFolder) => Promise<Result>,
): Promise<Result | undefined> {
  let handle = await openRoot(root, options.isMade);
  if (handle === undefined) return undefined;
  try {
    let at = await asFolder(handle, root);
    for (const part of folder === '' ? [] : folder.split('/')) {
      const path = at.pathOf(part);
      const child = await openPart(at, path, folder, options.isMade);
      if (child === undefined) return undefined;
      await handle.close();
      handle = child;
      at = await asFolder(child, path);
    }
    return await work(at);
  } finally {
    await handle.close();
  }
}

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY;

async function openRoot(root: string, isMade: boolean): Promise<FileHandle | undefined> {
  try {
    if (isMade) await mkdir(root, { recursive: true });
    return await open(root, FOLDER_FLAGS);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageFailure(error, `opening the root ${root}`);
  }
}

async function asFolder(handle: FileHandle, path: string): Promise<LocalFolder> {
  // without /proc a path must do: links are still refused, but not those swapped in meanwhile
  const base = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : await realpath(path);
  return { pathOf: (name) => join(base, name), sync: () => handle.sync() };
}

async function openPart(
  parent: LocalFolder,
  path: string,
  folder: string,
  isMade: boolean,
): Promise<FileHandle | undefined> {
  try {
    if (isMade && (await makeFolder(path))) await parent.sync();
    return await open(path, FOLDER_FLAGS | constants.O_NOFOLLOW);
  } catch (error) {
    if (isMissing(error) && !isMade) return undefined;
    if (codeOf(error) !== 'ELOOP' && codeOf(error) !== 'ENOTDIR') {
      throw storageFailure(error, `opening the folder ${folder}`);
    }
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => true,
    );
    if (isLink) throw linkRefusal(folder);
    throw new WorkError('InvalidInput', `${folder} is no folder, or leads through a file`);
  }
}

/** True where the folder was not there before. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Opens a regular file of a folder for reading; undefined where there is none. A link is refused, and
 * so is what would block or has no length (a pipe, a device).
 */
export async function openFile(
  folder: LocalFolder,
  name: string,
  key: string,
): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(
      folder.pathOf(name),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (codeOf(error) === 'ELOOP') throw linkRefusal(key);
    throw storageFailure(error, `reading ${key}`);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new WorkError('InvalidInput', `${key} is no regular file`);
}
