import { WorkError } from '../../../src/domain/failure.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { requireLocation } from '../require-location.ts';
import type { PublicationPort } from './publication.ts';
import { takeBackUploads } from './take-back.ts';
import type { TakeBack, UploadsPort } from './uploads.ts';

/** What taking back the uploads of ended tasks is given. */
export interface LeftUploadsDeps {
  readonly storages: Storages;
  readonly publication: Pick<PublicationPort, 'filesAt'>;
  readonly uploads: UploadsPort;
}

/** The longest that one job's uploads may take: a storage that is slow is tried again later. */
const LONGEST_MS = 20_000;

/** Likewise where another job is about to change the folder: nothing can be put back after that. */
const LONGEST_BEFORE_SWITCH_MS = 600_000;

/** Makes the work of {@link UploadsPort.takeBack}; `signal` calls it off. */
export function createTakeBack(
  deps: LeftUploadsDeps,
  signal: AbortSignal,
  longestMs = LONGEST_MS,
): TakeBack {
  return async (uploads) => {
    const { tenant, location, storage: kind } = uploads;
    const storage = await deps.storages.open({ tenant, kind, side: 'output' });
    requireLocation(storage, uploads, 'what was written stays in');
    const timeout = AbortSignal.timeout(longestMs);
    try {
      return await takeBackUploads(storage, {
        jobId: uploads.jobId,
        uploads,
        isTurnedBack: uploads.isTakenBack,
        published: new Set(await deps.publication.filesAt(tenant, location)),
        signal: AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new WorkError('StorageFailed', `The storage took more than ${longestMs / 1000} s`);
    }
  };
}

/** Takes back what the ended tasks of a job have left. What cannot be is left to the sweeper. */
export async function takeBackOfJob(
  deps: LeftUploadsDeps,
  jobId: number,
  signal: AbortSignal,
): Promise<void> {
  const work = createTakeBack(deps, signal);
  for (const taskNumber of await deps.uploads.leftBy(jobId)) {
    await deps.uploads.takeBack({ jobId, taskNumber }, work);
  }
}

/**
 * Takes back what ended tasks have left in a folder which another one is about to change: a switch that broke off
 * is turned back while it can be, so that what is kept for an undo is the asset before it. What cannot be is left
 * to the sweeper.
 */
export async function takeBackInFolder(
  deps: LeftUploadsDeps,
  place: { readonly tenant: string; readonly location: string },
  signal: AbortSignal,
): Promise<void> {
  const work = createTakeBack(deps, signal, LONGEST_BEFORE_SWITCH_MS);
  for (const choice of await deps.uploads.leftIn(place.tenant, place.location)) {
    await deps.uploads.takeBack(choice, work);
  }
}
