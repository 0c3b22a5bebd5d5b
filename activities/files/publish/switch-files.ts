import type { StorageDriver } from '../../../src/storage/driver.ts';
import type { KeptFile } from '../../../src/store/former-publications.ts';
import type { Task } from '../../task.ts';
import { keepFormer } from './keep-former.ts';
import type { FormerAsset } from './publication.ts';
import type { PublishPlan } from './publish-plan.ts';
import { verifyUploads } from './upload-files.ts';
import type { UploadsPort } from './uploads.ts';

/** What a switch needs that is under way. */
interface Switch {
  readonly uploads: UploadsPort;
  readonly storage: StorageDriver;
  readonly task: Task;
  readonly plan: PublishPlan;
  readonly former: FormerAsset | undefined;
  readonly proveOwner: () => Promise<void>;
}

/**
 * Puts the files of fixed names into place, the manifests last, once all that they name is there. Returns what
 * it kept of those that stood there before.
 */
export async function switchFiles(
  { uploads, storage, task, plan, former, proveOwner }: Switch,
  folder: string,
): Promise<readonly KeptFile[]> {
  task.signal.throwIfAborted();
  // a job that was given up publishes nothing, also where its cancel is still on its way
  await proveOwner();
  await verifyUploads(storage, folder, [...plan.early, ...plan.switched]);
  const made = await uploads.madeBy(task);
  const switched = plan.switched.map((one) => one.finalKey);
  const kept = await keepFormer(storage, task.jobId, { former, switched, made }, proveOwner);
  await tellOfForeign(task, storage, kept, former);
  for (const { key, finalKey } of plan.switched) {
    await proveOwner();
    await storage.move(key, finalKey);
  }
  return kept;
}

/** What stands under the names of the asset may be a client's own: that it is replaced is told, before it is. */
async function tellOfForeign(
  task: Task,
  storage: StorageDriver,
  kept: readonly KeptFile[],
  former: FormerAsset | undefined,
): Promise<void> {
  const foreign = kept.filter(({ key }) => former?.files.includes(key) !== true);
  if (foreign.length === 0) return;
  const paths = foreign.map(({ key }) => storage.fullPath(key)).join(', ');
  await task.note('WARN', `Replaces what this engine has not published: ${paths}`);
}
