import { setTimeout as delay } from 'node:timers/promises';
import { WorkError } from '../../../src/domain/failure.ts';
import type { Task } from '../../task.ts';

/** How a transfer is tried again inside one attempt of its task. */
export interface Retries {
  /** How often it is tried again: the job's `retries`. */
  readonly retries: number;
  /** Seconds before each further try: the tenant's `retry_delay`, asked for when it is needed. */
  readonly retryDelaySeconds: (jobId: number) => Promise<number>;
  /** For the log: `fetching`. */
  readonly doing: string;
}

/** Runs `work` until it is done, is hopeless, or was tried often enough; each further try is told. */
export async function retried<Result>(
  task: Task,
  { retries, retryDelaySeconds, doing }: Retries,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      // where space is short, the task's own tries wait for it
      const isHopeless =
        error instanceof WorkError && (error.isTerminal || error.type === 'NoSpace');
      if (isHopeless || tries >= retries || task.signal.aborted) throw error;
      const why = error instanceof Error ? error.message : String(error);
      const waitSeconds = await retryDelaySeconds(task.jobId);
      const count = `${tries + 1} of ${retries}`;
      await task.note('WARN', `${why}; ${doing} again in ${waitSeconds} s (${count})`);
      await delay(waitSeconds * 1000, undefined, { signal: task.signal });
    }
  }
}
