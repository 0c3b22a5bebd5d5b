import { type Submitted, toNewJob, type SubmissionContext } from '../../src/contract/new-job.ts';
import type { PlaceOf } from '../../src/contract/job-claims.ts';
import type { RecipeJob, StorageDefaults } from '../../src/contract/recipe-input.ts';
import { jobClaims } from '../../src/contract/recipes.ts';
import { describeClash, type FolderClaims } from '../../src/domain/folder-claims.ts';
import { WorkError } from '../../src/domain/failure.ts';
import { type Db, inTransaction } from '../../src/store/db.ts';
import { findClashingJob, lockFolders } from '../../src/store/folder-waits.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { ApiError } from '../errors.ts';

/**
 * {@link toNewJob} for a request. Throws a 400 where a path is too long for the storage, and a 503 where
 * it cannot be told where the storage is: its credentials cannot be opened here.
 */
export function judgeSubmission(text: string, context: SubmissionContext): Submitted {
  try {
    return toNewJob(text, context);
  } catch (error) {
    if (!(error instanceof WorkError)) throw error;
    const isInput = error.type === 'InvalidInput';
    const message = isInput ? `parameters: ${error.message}` : error.message;
    throw new ApiError(isInput ? 400 : 503, message, {}, { cause: error });
  }
}

/**
 * What a job takes when it is run again; undefined where that cannot be told, because it could not be
 * submitted any more: it is run again all the same and says itself what is wrong.
 */
export function claimsAgain(
  job: RecipeJob,
  storage: StorageDefaults,
  placeOf: PlaceOf,
): FolderClaims | undefined {
  try {
    return jobClaims(job, storage, placeOf);
  } catch (error) {
    if (error instanceof WorkError) return undefined;
    throw error;
  }
}

/** Throws a 409 where a job that is not to wait would have to. */
export async function refuseClash(db: Db, job: Submitted): Promise<void> {
  if (!job.isRefusedOnClash || job.claims === undefined) return;
  const other = await findClashingJob(db, job.tenantId, job.claims);
  if (other === undefined) return;
  throw new ApiError(
    409,
    `job.on_conflict: job ${other.jobId} (${other.state}) ${describeClash(other.clash)}`,
  );
}

/**
 * Keeps a job. One that is not to wait is judged by {@link refuseClash} and kept in one transaction, and
 * of two such at once the second sees the first.
 */
export async function keepJob(db: Db, job: Submitted): Promise<number> {
  if (!job.isRefusedOnClash) return insertJob(db, job);
  return inTransaction(db, async (transaction) => {
    await lockFolders(transaction, job.tenantId);
    await refuseClash(transaction, job);
    return insertJob(transaction, job);
  });
}
