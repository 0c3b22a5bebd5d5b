import { createReserve, type ReserveScratch } from '../activities/space/reserve.ts';
import { createScratchSweep } from '../activities/space/sweep.ts';
import { createScratchWatch, type ScratchWatch } from '../activities/space/watch.ts';
import type { ScratchLimits } from '../activities/space/judge.ts';
import type { Logger } from '../src/log/logger.ts';
import { repeat } from '../src/process/repeat.ts';
import type { Db } from '../src/store/db.ts';
import { listUnendedJobs, withScratchLock } from '../src/store/scratch.ts';

const LOOK_MS = 1000;

/** Looking takes a tenth of the time at most, however large the folders are. */
const SPARING = { restFactor: 10 };

/** A job's files are to be gone 10 s after its end, also where nothing but the sweeper removes them. */
const SWEEP_MS = 5000;

/** What a worker process may use of `WORK_ROOT`, and how it keeps it clean. */
export interface Scratch {
  readonly watch: ScratchWatch;
  readonly reserve: ReserveScratch;
  /** Begins to watch the disk and to sweep. The result stops both. */
  readonly start: () => () => Promise<void>;
}

/** Puts together what looks after the disk of scratch files. */
export function createScratch(deps: {
  readonly db: Db;
  readonly log: Logger;
  readonly workRoot: string;
  readonly limits: ScratchLimits;
}): Scratch {
  const { db, log, workRoot } = deps;
  const watch = createScratchWatch(deps);
  const sweep = createScratchSweep({
    workRoot,
    watch,
    log,
    listUnended: (jobIds) => listUnendedJobs(db, jobIds),
  });
  return {
    watch,
    reserve: createReserve({ ...deps, withLock: (work) => withScratchLock(db, work) }),
    start: () => {
      const looking = repeat('measuring scratch', LOOK_MS, watch.look, log, SPARING);
      const sweeping = repeat('sweeping scratch', SWEEP_MS, sweep, log, SPARING);
      return async () => {
        await Promise.all([looking.stop(), sweeping.stop()]);
      };
    },
  };
}
