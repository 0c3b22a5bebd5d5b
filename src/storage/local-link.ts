import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, open, rename, rm } from 'node:fs/promises';
import { PARTIAL } from './local-copy.ts';
import { codeOf, storageFailure } from './local-failure.ts';
import type { LocalFolder } from './local-folder.ts';

/** What a file system says that has no hard links, or none between these two folders. */
const NO_LINKS = new Set(['EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a file a second name, replacing what was there in one step. A hard link where the file system
 * has them: files of the engine are replaced and never written into, so the two never change each other.
 */
export async function copyFileAs(
  from: LocalFolder,
  fromName: string,
  to: LocalFolder,
  toName: string,
): Promise<void> {
  const partial = to.pathOf(`${PARTIAL}${randomUUID()}.part`);
  try {
    await linkOrCopy(from.pathOf(fromName), partial);
    await rename(partial, to.pathOf(toName));
    await to.sync();
  } catch (error) {
    throw storageFailure(error, `copying ${fromName}`);
  } finally {
    // a rename onto another name of the same file leaves both
    await rm(partial, { force: true });
  }
}

async function linkOrCopy(path: string, target: string): Promise<void> {
  try {
    await link(path, target);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
    await copyFile(path, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const file = await open(target, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
