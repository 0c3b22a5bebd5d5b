import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../../src/storage/local-failure.ts';
import { jobScratch } from '../scratch.ts';

/** Beside a job's stages, so that it goes with them and every process on this disk sees it. */
const NAME = '.reservation.json';

const pathOf = (workRoot: string, jobId: number): string => join(jobScratch(workRoot, jobId), NAME);

/** Notes what a job may need of its disk in all, whole or not at all. */
export async function writeReservation(
  workRoot: string,
  jobId: number,
  reservedBytes: number,
): Promise<void> {
  const path = pathOf(workRoot, jobId);
  const partial = `${path}.${randomUUID()}`;
  await mkdir(jobScratch(workRoot, jobId), { recursive: true });
  try {
    await writeFile(partial, JSON.stringify({ reservedBytes }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** What {@link writeReservation} noted; 0 where nothing was, or where it cannot be read as one. */
export async function readReservation(workRoot: string, jobId: number): Promise<number> {
  try {
    const noted = JSON.parse(await readFile(pathOf(workRoot, jobId), 'utf8')) as {
      readonly reservedBytes?: unknown;
    };
    return typeof noted.reservedBytes === 'number' ? noted.reservedBytes : 0;
  } catch (error) {
    // the disk was cut off from power in the middle: it was promised nothing
    if (isMissing(error) || error instanceof SyntaxError) return 0;
    throw error;
  }
}
