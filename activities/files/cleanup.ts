import { rm } from 'node:fs/promises';
import { jobScratch } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { CleanupInput, CleanupResult } from './contract.ts';
import { type LeftUploadsDeps, takeBackOfJob } from './publish/left-uploads.ts';

/**
 * Removes a job's scratch folder, and what a publish that did not end has left in the output folder. What
 * is gone already is no error; where the storage does not do it, the sweeper does later.
 */
export function createCleanup(
  deps: { readonly workRoot: string } & LeftUploadsDeps,
): TaskCode<CleanupInput, CleanupResult> {
  return async (task, { jobId }) => {
    await rm(jobScratch(deps.workRoot, jobId), { recursive: true, force: true, maxRetries: 3 });
    await takeBackOfJob(deps, jobId, task.signal);
    return { message: 'scratch files removed' };
  };
}
