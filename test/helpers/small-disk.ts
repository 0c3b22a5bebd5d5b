import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A file system of its own in memory, of a size that a test fills. */
export interface SmallDisk {
  readonly folder: string;
  /** Makes it larger or smaller; never smaller than what lies on it. */
  readonly resize: (sizeBytes: number) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Mounts a tmpfs on `folder`, which is made where it is missing. */
export async function mountSmallDisk(folder: string, sizeBytes: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'task-engine-test', folder]);
  return {
    folder,
    resize: async (size) => {
      await execa('mount', ['-o', `remount,size=${Math.ceil(size)}`, folder]);
    },
    remove: async () => {
      await execa('umount', [folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether this user may mount; what needs it is told as skipped elsewhere, not as passed. */
export async function canMount(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-mount-'));
  try {
    const disk = await mountSmallDisk(folder, 65_536);
    await disk.remove();
    return true;
  } catch {
    await rm(folder, { recursive: true, force: true });
    return false;
  }
}
