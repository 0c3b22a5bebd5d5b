import { type ClaimClash, type FolderClaims, HeldFolders } from './folder-claims.ts';
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
export interface FolderWait {
  readonly jobId: number;
  readonly holderId: number;
  readonly clash: ClaimClash;
}

/** Gives slots away, one job of the queue after the other. */
export interface Picker {
  /** Offers a job, in the order of the queue; false: neither this nor any job behind it gets a slot. */
  readonly offer: (job: QueuedJob) => boolean;
  /** Slots that are left. */
  readonly free: () => FreeSlots;
  readonly admitted: readonly QueuedJob[];
  readonly waits: readonly FolderWait[];
}

/**
 * Makes a {@link Picker} over free slots and what running jobs hold. A job whose claims clash with a
 * holder's, one just admitted too, leaves its slot to the next.
 */
export function createPicker(options: {
  readonly free: FreeSlots;
  readonly priorityThreshold: number;
  readonly holders: readonly { readonly id: number; readonly claims: FolderClaims }[];
}): Picker {
  const held = new HeldFolders();
  for (const { id, claims } of options.holders) held.add(id, claims);
  const admitted: QueuedJob[] = [];
  const waits: FolderWait[] = [];
  let { any, ordinary } = options.free;
  return {
    admitted,
    waits,
    free: () => ({ any, ordinary: Math.min(any, ordinary) }),
    offer: (job) => {
      const isOrdinary = job.priority > options.priorityThreshold;
      if (any === 0 || (isOrdinary && ordinary === 0)) return false;
      const found = job.hasRun ? undefined : held.find(job.claims);
      if (found !== undefined) {
        const { jobId: holderId, ...clash } = found;
        waits.push({ jobId: job.id, holderId, clash });
        return true;
      }
      held.add(job.id, job.claims);
      admitted.push(job);
      any -= 1;
      if (isOrdinary) ordinary -= 1;
      return true;
    },
  };
}
