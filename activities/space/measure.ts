import type { Dirent } from 'node:fs';
import { lstat, mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../src/storage/local-failure.ts';
import { jobScratch } from '../scratch.ts';
import type { Disk, JobScratch } from './judge.ts';
import { readReservation } from './reservation.ts';

const BLOCK_BYTES = 4096;
/** Unit of `st_blocks`, stat(2). */
const SECTOR_BYTES = 512;

/** The jobs that have a scratch folder below `workRoot`, whatever else lies there. */
export async function listScratchJobs(workRoot: string): Promise<readonly number[]> {
  const entries = await entriesOf(workRoot);
  return entries.flatMap((entry) => {
    const digits = entry.isDirectory() ? /^job-([1-9]\d*)$/.exec(entry.name)?.[1] : undefined;
    const jobId = Number(digits);
    return Number.isSafeInteger(jobId) ? [jobId] : [];
  });
}

/** What one job uses, and what it was promised. A folder that goes meanwhile counts for nothing. */
export async function measureJob(workRoot: string, jobId: number): Promise<JobScratch> {
  const [usedBytes, reservedBytes] = await Promise.all([
    folderBytes(jobScratch(workRoot, jobId)),
    readReservation(workRoot, jobId),
  ]);
  return { jobId, usedBytes, reservedBytes };
}

/** {@link measureJob} of every job that has a folder. */
export async function measureJobs(workRoot: string): Promise<readonly JobScratch[]> {
  const jobIds = await listScratchJobs(workRoot);
  return Promise.all(jobIds.map((jobId) => measureJob(workRoot, jobId)));
}

/** The disk of `workRoot`, which is made where it is missing. Endless where a file system tells no size. */
export async function measureDisk(workRoot: string): Promise<Disk> {
  const found = await statfs(workRoot).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(workRoot, { recursive: true });
    return statfs(workRoot);
  });
  return found.blocks === 0
    ? { totalBytes: Number.POSITIVE_INFINITY, freeBytes: Number.POSITIVE_INFINITY }
    : { totalBytes: found.blocks * found.bsize, freeBytes: found.bavail * found.bsize };
}

async function folderBytes(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await entriesOf(folder)).map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? folderBytes(path) : fileBytes(path);
    }),
  );
  return sizes.reduce((total, size) => total + size, 0);
}

/** Blocks, but never more than the length takes: XFS gives growing files more than they need at first. */
async function fileBytes(path: string): Promise<number> {
  try {
    const { size, blocks } = await lstat(path);
    return Math.min(Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES, blocks * SECTOR_BYTES);
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
