import { manifestNames } from '../../../src/media/asset/names.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { locationOf } from '../../../src/storage/location.ts';
import type { Uploads } from '../../../src/store/uploads.ts';
import type { Task, TaskCode } from '../../task.ts';
import type { PublishInput, PublishResult } from '../contract.ts';
import { emptyFolder } from '../delete/empty-folder.ts';
import { sourceLocations } from '../fetched-sources.ts';
import { formatFiles } from '../../format-bytes.ts';
import { purgeFormer } from '../undo/purge-former.ts';
import type { RestorationPort } from '../undo/restoration.ts';
import type { Publication, PublicationPort, Replaced } from './publication.ts';
import { takeBackInFolder } from './left-uploads.ts';
import { refuseToEmptySource, refuseToOverwriteSource } from './protect-sources.ts';
import { planPublication, type PublishPlan } from './publish-plan.ts';
import { createOwnerCheck, recordMade, requireYes } from './record-uploads.ts';
import { switchFiles } from './switch-files.ts';
import { takeBackFailed } from './take-back-failed.ts';
import { hasUploads, uploadFiles } from './upload-files.ts';
import type { UploadsPort } from './uploads.ts';

/**
 * Publishes an asset whole or not at all. Every file is uploaded first, under names of this job that
 * nothing refers to; then, while this attempt is proved to own its task, all lengths are checked and
 * the files of fixed names are renamed into place, the two manifests last. What only the former
 * publication used goes after that. A failure before the switch takes back what was uploaded.
 */
export function createPublish(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
  readonly uploads: UploadsPort;
  readonly restoration: Pick<RestorationPort, 'purge'>;
}): TaskCode<PublishInput, PublishResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'output',
    });
    const plan = await planPublication(deps.workRoot, task, input);
    const uploads = [...plan.early, ...plan.switched];
    const files = uploads.map((one) => one.finalKey);
    const sources = await sourceLocations(deps, input);
    refuseToOverwriteSource(storage, files, sources);
    if (input.emptyTarget) refuseToEmptySource(storage, input.folder, sources);

    const publication = describePublication(storage, input, files);
    const record = describeUploads(storage, input, plan);
    // before the record: where the folder cannot be, nothing is written that would be taken back
    const isRetried = await hasUploads(storage, input.folder, uploads);
    await deps.uploads.record(task, record);
    let replaced: Replaced;
    try {
      const mayUpload = createOwnerCheck(deps.uploads, task);
      await uploadFiles(storage, task, { uploads, isRetried }, mayUpload);
      await takeBackInFolder(deps, publication, task.signal);
      await recordMade(deps.uploads, task, storage, record, plan.switched);
      replaced = await deps.publication.switchOver(task, publication, (proveOwner, former) =>
        switchFiles(
          { uploads: deps.uploads, storage, task, plan, former, proveOwner },
          input.folder,
        ),
      );
    } catch (error) {
      await takeBackFailed(deps, task, publication, storage, record);
      throw error;
    }
    const dropped = replaced.dropped.filter((key) => !sources.has(locationOf(storage, key)));
    const proveOwner = () => requireYes(deps.uploads.ownsTask(task));
    await proveOwner();
    await deleteReplaced(deps, task, storage, { ...replaced, dropped });
    if (input.emptyTarget) {
      const listNeeded = async (): Promise<readonly string[]> => {
        const published = await deps.publication.filesAt(input.tenant, publication.location);
        return [...sources, ...published.map((key) => locationOf(storage, key))];
      };
      await emptyFolder(storage, task, input.folder, listNeeded, proveOwner);
    }
    return { message: `${formatFiles(files.length)} in ${storage.fullPath(input.folder)}` };
  };
}

function describePublication(
  storage: StorageDriver,
  input: PublishInput,
  files: readonly string[],
): Publication {
  const { tenant, asset, folder, durationSeconds } = input;
  return {
    tenant,
    storage: input.storage,
    folder,
    isAlone: input.emptyTarget,
    location: locationOf(storage, folder),
    asset,
    files,
    result: {
      message: storage.fullPath(joinKey(folder, manifestNames(asset).hls)),
      files: files.map((key) => storage.fullPath(key)),
      durationSeconds,
    },
  };
}

const describeUploads = (
  storage: StorageDriver,
  input: PublishInput,
  plan: PublishPlan,
): Uploads => ({
  tenant: input.tenant,
  storage: input.storage,
  folder: input.folder,
  location: locationOf(storage, input.folder),
  asset: input.asset,
  keys: [...plan.early, ...plan.switched].map((one) => one.key),
  fixedKeys: plan.switched.map((one) => one.finalKey),
  made: {},
});

/** The new asset is on air: what cannot be deleted is told, and is no reason to fail. */
async function deleteReplaced(
  deps: { readonly storages: Storages; readonly restoration: Pick<RestorationPort, 'purge'> },
  task: Task,
  storage: StorageDriver,
  { dropped, formerId }: Replaced,
): Promise<void> {
  try {
    await storage.delete(dropped);
    if (formerId !== undefined) await purgeFormer(deps, formerId);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await task.note('WARN', `Files of the former publication are left: ${why}`);
  }
}
