import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { Uploads } from '../../../src/store/uploads.ts';
import type { Task } from '../../task.ts';
import type { Upload } from './publish-plan.ts';
import type { UploadsPort } from './uploads.ts';

/** Between two questions: 2,000 small files are not 2,000 questions. */
const ASK_EVERY_MS = 2_000;

/** Throws a WorkError `Superseded` where the answer is no. */
export async function requireYes(answer: Promise<boolean>): Promise<void> {
  if (await answer) return;
  throw new WorkError('Superseded', 'Another attempt of this task took over, or its job has ended');
}

/**
 * Makes a function that throws a WorkError `Superseded` where an attempt does not own its task any more; it
 * asks every two seconds at most. Where Postgres does not answer, the work goes on: the switch asks again.
 */
export function createOwnerCheck(
  port: Pick<UploadsPort, 'isOwner'>,
  task: Task,
): () => Promise<void> {
  let askedMs = performance.now();
  let answer: Promise<boolean> = Promise.resolve(true);
  return async () => {
    // an attempt that was frozen finds its last answer too old
    if (performance.now() - askedMs >= ASK_EVERY_MS) {
      askedMs = performance.now();
      answer = port.isOwner(task).catch(() => true);
    }
    await requireYes(answer);
  };
}

/** Keeps which files of fixed names the switch is about to make where there are none. */
export async function recordMade(
  port: Pick<UploadsPort, 'record'>,
  task: Task,
  storage: StorageDriver,
  record: Uploads,
  switched: readonly Upload[],
): Promise<void> {
  const made: Record<string, number> = {};
  await Promise.all(
    switched.map(async ({ finalKey, sizeBytes }) => {
      if ((await storage.stat(finalKey)) === undefined) made[finalKey] = sizeBytes;
    }),
  );
  if (Object.keys(made).length > 0) await port.record(task, { ...record, made });
}
