import {
  buildDeletionListing,
  holdsClientRoot,
  holdsNoFiles,
} from '../../../src/domain/deletion-listing.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import { isFolderEntry, type StorageDriver, type StoredFile } from '../../../src/storage/driver.ts';
import { locationOf } from '../../../src/storage/location.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import type { Task, TaskCode } from '../../task.ts';
import type { DeleteAssetInput, DeleteAssetResult } from '../contract.ts';
import { deleteKeys } from './delete-keys.ts';
import type { DeletionPort } from './deletion.ts';
import { formatBytes, formatFiles } from '../../format-bytes.ts';

/**
 * Deletes a folder with all that is in it, by the exact prefix `folder/`, manifests first. What will go
 * is recorded and listed in the job's log before; a listing at the end proves that it is gone.
 */
export function createDeleteAsset(deps: {
  readonly storages: Storages;
  readonly deletion: DeletionPort;
}): TaskCode<DeleteAssetInput, DeleteAssetResult> {
  return async (task, { tenant, storage: kind, folder }) => {
    const storage = await deps.storages.open({ tenant, kind, side: 'output' });
    const where = storage.fullPath(folder);
    const location = locationOf(storage, folder);
    await refuseRoots(deps.deletion, where, location);
    const found = await listAll(storage, folder, task);
    const files = found.filter((file) => !isFolderEntry(file.key));
    const nameOf = (key: string): string => key.slice(folder.length + 1);
    const recorded = await deps.deletion.record(
      task,
      { message: where, files: files.map((file) => storage.fullPath(file.key)) },
      files.length === 0 ? [] : buildDeletionListing(where, files, nameOf),
    );
    if (recorded === 0) throw holdsNoFiles(where);
    const forgotten = { kind: 'folder', location } as const;
    await deps.deletion.carryOut(task, tenant, forgotten, async (proveOwner) => {
      const keys = found.map((file) => file.key);
      await deleteKeys(storage, task, keys, proveOwner);
      await proveGone(storage, folder, task);
    });
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    return { message: `${formatFiles(files.length)}, ${formatBytes(bytes)} deleted` };
  };
}

async function listAll(
  storage: StorageDriver,
  folder: string,
  task: Task,
): Promise<readonly StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const page of storage.listBelow(folder, task.signal)) {
    task.signal.throwIfAborted();
    files.push(...page);
    refuseTraversal(page);
    task.progress({ step: `listing, ${files.length} files so far` });
  }
  return files;
}

/** Roots may be nested by the operator: what is below one of them is not this folder's. */
async function refuseRoots(port: DeletionPort, where: string, location: string): Promise<void> {
  const roots = await port.rootsBelow(location);
  if (roots.length > 0) throw holdsClientRoot(where);
}

/** Object stores keep any text as a name; an URL made of one with such a part leads to another object. */
function refuseTraversal(page: readonly StoredFile[]): void {
  const found = page.find(({ key }) =>
    key.split('/').some((part) => part === '.' || part === '..'),
  );
  if (found === undefined) return;
  throw new WorkError(
    'InvalidInput',
    `${found.key} has a part "." or ".."; delete it by hand first. Nothing was deleted`,
  );
}

async function proveGone(storage: StorageDriver, folder: string, task: Task): Promise<void> {
  const left = (await listAll(storage, folder, task)).find(({ key }) => !isFolderEntry(key));
  if (left === undefined) return;
  throw new WorkError(
    'StorageFailed',
    `${storage.fullPath(left.key)} is there although all below ${storage.fullPath(folder)} was deleted; something else writes there`,
  );
}
