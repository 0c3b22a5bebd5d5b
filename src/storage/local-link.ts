import { randomUUID } from 'node:crypto';
import {
  constants,
  copyFile,
  type FileHandle,
  link,
  lstat,
  open,
  rename,
  rm,
} from 'node:fs/promises';
import { WorkError } from '../domain/failure.ts';
import { PARTIAL } from './local-copy.ts';
import { codeOf, linkRefusal, storageFailure } from './local-failure.ts';
import { type LocalFolder, openFile } from './local-folder.ts';

/** What a file system says that has no hard links, or none between these two folders. */
const NO_LINKS = new Set(['EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a file a second name, replacing what was there in one step. A hard link where the file system
 * has them: files of the engine are replaced and never written into, so the two never change each other. A
 * link is refused, also one that is swapped in late. Throws a WorkError `StorageFailed` where there is no file.
 */
export async function copyFileAs(
  from: LocalFolder,
  fromName: string,
  to: LocalFolder,
  toName: string,
): Promise<void> {
  const source = await openFile(from, fromName, fromName);
  if (source === undefined) {
    throw new WorkError('StorageFailed', `${fromName} does not exist any more`);
  }
  const partial = to.pathOf(`${PARTIAL}${randomUUID()}.part`);
  try {
    await linkOrCopy(source, from.pathOf(fromName), partial);
    if (!(await lstat(partial)).isFile()) throw linkRefusal(fromName);
    await rename(partial, to.pathOf(toName));
    await to.sync();
  } catch (error) {
    throw storageFailure(error, `copying ${fromName}`);
  } finally {
    await source.close();
    // a rename onto another name of the same file leaves both
    await rm(partial, { force: true });
  }
}

async function linkOrCopy(source: FileHandle, path: string, target: string): Promise<void> {
  try {
    await link(path, target);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
    // what was opened, not what has its name by now
    const opened = process.platform === 'linux' ? `/proc/self/fd/${source.fd}` : path;
    await copyFile(opened, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const file = await open(target, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
