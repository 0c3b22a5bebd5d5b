import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { WorkError } from '../domain/failure.ts';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const isInside = (root: string, path: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

const outside = (key: string): WorkError =>
  new WorkError('InvalidInput', `${key} leads out of the tenant's root through a symbolic link`);

/** Whether an error means that something is not there. */
export const isMissing = (error: unknown): boolean =>
  codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

/** A file system error as a failure of the work: no space, or a refusal of the storage. */
export function storageFailure(error: unknown, doing: string): Error {
  if (error instanceof WorkError) return error;
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WorkError('NoSpace', `No space left while ${doing}`, { cause: error });
  }
  return new WorkError('StorageFailed', `The storage refused ${doing} (${code})`, { cause: error });
}

/**
 * Opens an existing file below a root for reading. A link as the last part is refused, and the opened
 * file itself is asked where it lies, so that a folder swapped for a link between check and use
 * changes nothing. Undefined where there is no such file.
 */
export async function openInside(root: string, key: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(
      join(root, key),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (codeOf(error) === 'ELOOP') throw outside(key);
    throw storageFailure(error, `reading ${key}`);
  }
  try {
    const [realRoot, realFile] = await Promise.all([
      realpath(root),
      process.platform === 'linux'
        ? realpath(`/proc/self/fd/${file.fd}`)
        : realpath(join(root, key)),
    ]);
    if (!isInside(realRoot, realFile)) throw outside(key);
    if (!(await file.stat()).isFile()) {
      throw new WorkError('InvalidInput', `${key} is no regular file`);
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The real path of a folder below a root, made where `isMade` says so. Undefined where it does not
 * exist. Throws a WorkError `InvalidInput` where a link leads out of the root.
 */
export async function folderInside(
  root: string,
  key: string,
  options: { readonly isMade: boolean },
): Promise<string | undefined> {
  const realRoot = await realRootOf(root, options.isMade);
  if (realRoot === undefined) return undefined;
  let at = realRoot;
  for (const part of key === '' ? [] : key.split('/')) {
    at = join(at, part);
    if (options.isMade) {
      await mkdir(at).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw storageFailure(error, `making the folder ${key}`);
      });
    }
    let real: string;
    try {
      real = await realpath(at);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw storageFailure(error, `opening the folder ${key}`);
    }
    if (!isInside(realRoot, real)) throw outside(key);
    at = real;
  }
  const found = await lstat(at);
  if (!found.isDirectory()) throw new WorkError('InvalidInput', `${key} is no folder`);
  return at;
}

async function realRootOf(root: string, isMade: boolean): Promise<string | undefined> {
  try {
    if (isMade) await mkdir(root, { recursive: true });
    return await realpath(root);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageFailure(error, 'opening the root');
  }
}

/** Folder and name of a key. */
export const splitKey = (key: string): { readonly folder: string; readonly name: string } => {
  const folder = dirname(key);
  return { folder: folder === '.' ? '' : folder, name: relative(folder, key) };
};
