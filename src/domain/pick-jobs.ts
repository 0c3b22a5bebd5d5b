import type { FolderClaims } from './folder-claims.ts';
import { type FolderHolder, FolderQueue, type FolderWait } from './folder-queue.ts';
import type { FreeSlots } from './slots.ts';

/** A job in the queue. */
export interface QueuedJob {
  readonly id: number;
  /** 1 first, 10 last. */
  readonly priority: number;
  /** Admitted before and put back: it has held its folders since. */
  readonly hasRun: boolean;
  readonly claims: FolderClaims;
}

/** A job that would have had a slot and waits for a folder instead. */
export interface PassedJob {
  readonly jobId: number;
  readonly wait: FolderWait;
}

/** Gives slots away, one job of the queue after the other. */
export interface Picker {
  /** Offers a job, in the order of the queue; false: neither this nor any job behind it gets a slot. */
  readonly offer: (job: QueuedJob) => boolean;
  readonly admitted: readonly QueuedJob[];
  readonly passed: readonly PassedJob[];
}

/**
 * Makes a {@link Picker} over free slots and what running jobs hold. A job that has to wait for a folder,
 * see {@link FolderQueue}, leaves its slot to the next. One that no slot is free for makes nobody wait who
 * could have had one: as priority jobs go first, none of those behind it gets one either.
 */
export function createPicker(options: {
  readonly free: FreeSlots;
  readonly priorityThreshold: number;
  readonly holders: readonly FolderHolder[];
}): Picker {
  const folders = new FolderQueue(options.holders);
  const admitted: QueuedJob[] = [];
  const passed: PassedJob[] = [];
  let { any, ordinary } = options.free;
  return {
    admitted,
    passed,
    offer: (job) => {
      const isOrdinary = job.priority > options.priorityThreshold;
      if (any === 0 || (isOrdinary && ordinary === 0)) return false;
      const wait = job.hasRun ? undefined : folders.findWait(job.claims);
      if (wait !== undefined) {
        folders.queue(job);
        passed.push({ jobId: job.id, wait });
        return true;
      }
      folders.hold({ ...job, isAtWork: true });
      admitted.push(job);
      any -= 1;
      if (isOrdinary) ordinary -= 1;
      return true;
    },
  };
}
