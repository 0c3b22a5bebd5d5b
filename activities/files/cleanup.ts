import { rm } from 'node:fs/promises';
import { jobScratch } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { CleanupInput, CleanupResult } from './contract.ts';

/** Removes a job's scratch folder; one that is gone already is no error. */
export function createCleanup(deps: {
  readonly workRoot: string;
}): TaskCode<CleanupInput, CleanupResult> {
  return async (_task, { jobId }) => {
    await rm(jobScratch(deps.workRoot, jobId), { recursive: true, force: true, maxRetries: 3 });
    return { message: 'scratch files removed' };
  };
}
