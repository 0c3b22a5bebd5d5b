import { text } from 'node:stream/consumers';
import { WorkError } from '../../src/domain/failure.ts';
import { manifestNames } from '../../src/media/asset/names.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { folderOf, joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { locationOf } from '../../src/storage/location.ts';
import type { Task, TaskCode } from '../task.ts';
import type { PublishInput, PublishResult } from './contract.ts';
import { emptyFolder } from './empty-folder.ts';
import { sourceLocations } from './fetched-sources.ts';
import { keepFormer, putBackKept } from './keep-former.ts';
import { type Publication, type PublicationPort, whileOwner } from './publication.ts';
import { planPublication, type Upload } from './publish-plan.ts';
import { isNamedForJob } from './published-names.ts';
import { uploadFiles, verifyUploads } from './upload-files.ts';

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
    let replaced: readonly string[];
    try {
      await uploadFiles(storage, task, input.folder, uploads);
      replaced = await deps.publication.switchOver(
        task,
        publication,
        async (proveOwner, former) => {
          task.signal.throwIfAborted();
          await verifyUploads(storage, input.folder, uploads);
          const switched = plan.switched.map((one) => one.finalKey);
          const kept = await keepFormer(storage, task.jobId, former, switched, proveOwner);
          for (const { key, finalKey } of plan.switched) {
            await proveOwner();
            await storage.move(key, finalKey);
          }
          return kept;
        },
      );
    } catch (error) {
      await takeBack(deps.publication, task, publication, storage, input, uploads);
      throw error;
    }
    const unused = replaced.filter(
      (key) => !files.includes(key) && !sources.has(locationOf(storage, key)),
    );
    await deleteFormer(task, storage, unused);
    if (input.emptyTarget) {
      await emptyFolder(storage, task, input.folder, async () => [
        ...sources,
        ...(await deps.publication.filesAt(input.tenant, publication.location)).map((key) =>
          locationOf(storage, key),
        ),
      ]);
    }
    return { message: `${files.length} files in ${storage.fullPath(input.folder)}` };
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

/** Source and output folder may be one: no file of the client may be written over. */
function refuseToOverwriteSource(
  output: StorageDriver,
  keys: readonly string[],
  sources: ReadonlySet<string>,
): void {
  const clash = keys.find((key) => sources.has(locationOf(output, key)));
  if (clash === undefined) return;
  throw new WorkError(
    'InvalidInput',
    `${output.fullPath(clash)} is a source of this job and would be overwritten; give another output_folder or mp4_filename`,
  );
}

/** The folder that is emptied may hold more files of the client than this job's sources. */
function refuseToEmptySource(
  output: StorageDriver,
  folder: string,
  sources: ReadonlySet<string>,
): void {
  const isSource = [...sources].some((one) => folderOf(one) === locationOf(output, folder));
  if (!isSource) return;
  throw new WorkError(
    'InvalidInput',
    `empty_target would empty ${output.fullPath(folder)}, which is the source folder; give another output_folder`,
  );
}

/**
 * Removes what a failed or cancelled publish uploaded. Later attempts use the same names, and the
 * switch itself may have happened although this attempt failed (its answer was lost, or an earlier
 * attempt made it): so only the owner of the task removes, and only what no manifest on air names.
 */
async function takeBack(
  port: PublicationPort,
  task: Task,
  publication: Publication,
  storage: StorageDriver,
  input: PublishInput,
  uploads: readonly Upload[],
): Promise<void> {
  try {
    await whileOwner(port, task, publication, async () => {
      if (await isOnAir(storage, input)) return;
      const fixed = uploads.filter((one) => one.key !== one.finalKey).map((one) => one.finalKey);
      await putBackKept(storage, task.jobId, fixed);
      await storage.delete(uploads.map((one) => one.key));
    });
  } catch (error) {
    if (error instanceof WorkError && error.type === 'Superseded') return;
    // the publish has failed already, and its reason is the one to tell
    task.log.warn({ err: error }, 'uploaded files of a failed publish were left');
  }
}

/** Whether one of the asset's two manifests names files of this job. */
async function isOnAir(
  storage: StorageDriver,
  { folder, asset, jobId }: PublishInput,
): Promise<boolean> {
  const { hls, dash } = manifestNames(asset);
  for (const name of [hls, dash]) {
    const key = joinKey(folder, name);
    if ((await storage.stat(key)) === undefined) continue;
    if (isNamedForJob(jobId, await text(await storage.read(key)))) return true;
  }
  return false;
}

/** The new asset is on air: what cannot be deleted is told, and is no reason to fail. */
async function deleteFormer(
  task: Task,
  storage: StorageDriver,
  keys: readonly string[],
): Promise<void> {
  try {
    await storage.delete(keys);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await task.note('WARN', `Files of the former publication are left: ${why}`);
  }
}
