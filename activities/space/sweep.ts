import { rm } from 'node:fs/promises';
import { WorkError } from '../../src/domain/failure.ts';
import type { Logger } from '../../src/log/logger.ts';
import { jobScratch } from '../scratch.ts';
import { listScratchJobs } from './measure.ts';
import type { ScratchWatch } from './watch.ts';

/**
 * One pass of the scratch sweeper: removes the scratch folders of jobs that have ended or do not exist,
 * which a killed worker or a terminated execution left, and stops tasks of this process that work for
 * such a job. Nothing but folders named `job-<id>` is touched. A folder that cannot be removed is told
 * and left to the next pass.
 */
export function createScratchSweep(deps: {
  readonly workRoot: string;
  readonly watch: Pick<ScratchWatch, 'runningJobs' | 'stopJob'>;
  /** Of these jobs the ones that exist and have not ended. */
  readonly listUnended: (jobIds: readonly number[]) => Promise<ReadonlySet<number>>;
  readonly log: Logger;
}): () => Promise<void> {
  const { workRoot, watch, log } = deps;
  return async () => {
    // looked at before the database: a folder is made only for a job that is there already
    const withFolder = await listScratchJobs(workRoot);
    const runningHere = watch.runningJobs();
    const jobIds = [...new Set([...withFolder, ...runningHere])];
    if (jobIds.length === 0) return;
    const unended = await deps.listUnended(jobIds);
    for (const jobId of runningHere.filter((id) => !unended.has(id))) {
      watch.stopJob(jobId, new WorkError('Superseded', 'The job of this task has ended'));
    }
    for (const jobId of withFolder.filter((id) => !unended.has(id))) {
      try {
        await rm(jobScratch(workRoot, jobId), { recursive: true, force: true, maxRetries: 3 });
        log.info({ jobId }, 'scratch files of an ended job removed');
      } catch (error) {
        log.warn({ err: error, jobId }, 'scratch files of an ended job could not be removed');
      }
    }
  };
}
