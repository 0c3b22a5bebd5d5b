import { WorkError } from '../../src/domain/failure.ts';
import { judgeRoom, type ScratchLimits } from './judge.ts';
import { measureDisk, measureJobs } from './measure.ts';
import { writeReservation } from './reservation.ts';

/**
 * Gives a job room for `neededBytes` in all, what it has already among them, until its scratch folder
 * goes. Throws a WorkError `NoSpace` where there is none, terminal where there never can be.
 */
export type ReserveScratch = (jobId: number, neededBytes: number) => Promise<void>;

/** `withLock`: runs work alone among all processes of the engine, or no two could be told apart. */
export function createReserve(deps: {
  readonly workRoot: string;
  readonly limits: ScratchLimits;
  readonly withLock: (work: () => Promise<void>) => Promise<void>;
}): ReserveScratch {
  const { workRoot, limits } = deps;
  return (jobId, neededBytes) =>
    deps.withLock(async () => {
      const [disk, jobs] = await Promise.all([measureDisk(workRoot), measureJobs(workRoot)]);
      const refusal = judgeRoom(limits, { disk, jobs }, { jobId, neededBytes });
      if (refusal !== undefined) {
        throw new WorkError('NoSpace', refusal.message, { isTerminal: refusal.isTerminal });
      }
      await writeReservation(workRoot, jobId, neededBytes);
    });
}
