import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { isTransient } from '../../../src/storage/remote-failure.ts';
import type { Task } from '../../task.ts';

/**
 * Looks into the output folder before anything is fetched: a destination that refuses, or a path that leads
 * through a file or a link, fails the job in seconds and not after hours of work. One that does not answer now
 * may answer when the results are published; that is told and is no reason to fail.
 */
export async function checkDestination(
  storage: StorageDriver,
  task: Task,
  folder: string,
): Promise<void> {
  try {
    await storage.list(folder);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (!isTransient(error)) throw asDestination(error, why);
    await task.note('WARN', `The destination is asked again when publishing: ${why}`);
  }
}

/** The task that fails is about the source: that its output folder is meant must be said. */
const asDestination = (error: unknown, why: string): unknown =>
  error instanceof WorkError
    ? new WorkError(error.type, `Output folder: ${why}`, {
        isTerminal: error.isTerminal,
        cause: error,
      })
    : error;
