import { WorkError } from '../../../src/domain/failure.ts';
import type { JobResult } from '../../../src/domain/callback.ts';
import { manifestNames } from '../../../src/media/asset/names.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import type { FormerPublication } from '../../../src/store/former-publications.ts';
import type { Task, TaskCode } from '../../task.ts';
import type { RestorePublicationInput, RestorePublicationResult } from '../contract.ts';
import { type LeftUploadsDeps, takeBackInFolder } from '../publish/left-uploads.ts';
import { requireLocation } from '../require-location.ts';
import { purgeFormer } from './purge-former.ts';
import type { RestorationPort } from './restoration.ts';

/**
 * Puts the publication back that another job replaced: its files of fixed names are copied over the
 * present ones, the manifests last, each after proof of ownership. The files of the undone one go after
 * that; a worker killed before leaves them to the sweeper.
 */
export function createRestorePublication(
  deps: {
    readonly restoration: RestorationPort;
  } & LeftUploadsDeps,
): TaskCode<RestorePublicationInput, RestorePublicationResult> {
  return async (task, { jobId, tenant, undoneJobId }) => {
    const former = await deps.restoration.find(undoneJobId);
    if (former === undefined) {
      if (await deps.restoration.isDone(jobId)) return { message: 'put back already' };
      throw new WorkError(
        'InvalidInput',
        `The publication that job ${undoneJobId} replaced cannot be put back any more`,
      );
    }
    const storage = await deps.storages.open({ tenant, kind: former.storage, side: 'output' });
    requireLocation(storage, former, 'what can be put back is in');
    await takeBackInFolder(deps, { tenant, location: former.location }, task.signal);
    await requireFiles(storage, former);
    const result = resultOf(storage, former);
    const undone = await deps.restoration.switchBack(
      task,
      former,
      result,
      async (proveOwner, taken) => {
        for (const { key, keptKey } of former.kept.filter((one) => !taken.has(one.key))) {
          task.signal.throwIfAborted();
          await proveOwner();
          await storage.copy(keptKey, key);
        }
        const ours = manifestsWithoutFormer(former);
        if (ours.length === 0) return;
        await proveOwner();
        await storage.delete(ours);
      },
    );
    await deleteUndone(deps, task, undone);
    return { message: `${describeFormer(former)} is on air again` };
  };
}

/** Manifests of the undone publication that are in nobody's place. */
function manifestsWithoutFormer({ folder, asset, kept }: FormerPublication): readonly string[] {
  const putBack = kept.map((one) => one.key);
  return Object.values(manifestNames(asset))
    .map((name) => joinKey(folder, name))
    .filter((key) => !putBack.includes(key));
}

const describeFormer = ({ jobId, replacedBy }: FormerPublication): string =>
  jobId === null ? `what was there before job ${replacedBy}` : `the publication of job ${jobId}`;

/** Throws a WorkError where a file is gone that the former manifests name: they would not play. */
async function requireFiles(storage: StorageDriver, former: FormerPublication): Promise<void> {
  const keptKeys = new Map(former.kept.map(({ key, keptKey }) => [key, keptKey]));
  const listed = new Set((await storage.list(former.folder)).map((file) => file.key));
  for (const key of former.files) {
    const keptKey = keptKeys.get(key);
    const isThere =
      keptKey === undefined ? listed.has(key) : (await storage.stat(keptKey)) !== undefined;
    if (isThere) continue;
    throw new WorkError(
      'InvalidInput',
      `${storage.fullPath(key)} of the former publication is gone; it cannot be put back`,
    );
  }
}

/** What the job of the former publication told; of one of no job, or of an older version, the files are known alone. */
function resultOf(storage: StorageDriver, former: FormerPublication): JobResult {
  const { folder, asset, files } = former;
  const manifests = Object.values(manifestNames(asset)).map((name) => joinKey(folder, name));
  const shown = manifests.find((key) => files.includes(key)) ?? folder;
  return (
    former.result ?? {
      message: storage.fullPath(shown),
      files: files.map((key) => storage.fullPath(key)),
    }
  );
}

/** The former asset is on air: what cannot be deleted now is told, and left to the sweeper. */
async function deleteUndone(
  deps: Parameters<typeof createRestorePublication>[0],
  task: Task,
  formerId: number,
): Promise<void> {
  try {
    await purgeFormer(deps, formerId);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await task.note('WARN', `Files of the undone publication are left for now: ${why}`);
  }
}
