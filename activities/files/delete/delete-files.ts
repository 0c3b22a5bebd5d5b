import { buildDeletionListing } from '../../../src/domain/deletion-listing.ts';
import type { StorageDriver, StoredFile } from '../../../src/storage/driver.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { folderOf } from '../../../src/storage/paths.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import type { Task, TaskCode } from '../../task.ts';
import type { DeleteFilesInput, DeleteFilesResult } from '../contract.ts';
import { deleteKeys } from './delete-keys.ts';
import type { DeletionPort } from './deletion.ts';
import { formatBytes, formatFiles } from '../../format-bytes.ts';
import { forEachParallel } from '../parallel.ts';

/** Files that are looked up at once. */
const PARALLEL_LOOKUPS = 16;

/**
 * Deletes single files, manifests first. Those that are not there are no failure: the job tells which
 * it deleted. What will go is recorded and listed in the job's log before.
 */
export function createDeleteFiles(deps: {
  readonly storages: Storages;
  readonly deletion: DeletionPort;
}): TaskCode<DeleteFilesInput, DeleteFilesResult> {
  return async (task, { jobId, tenant, storage: kind }) => {
    const storage = await deps.storages.open({ tenant, kind, side: 'output' });
    const { asked, keys } = await deps.deletion.filesOf(jobId);
    const found = await lookUp(storage, task, keys);
    // of a bucket that is not there a store says the same as of a file
    if (found.length === 0) await storage.probe(task.signal);
    const recorded = await deps.deletion.record(
      task,
      { message: asked.join(', '), files: found.map((file) => storage.fullPath(file.key)) },
      found.length === 0 ? [] : buildDeletionListing(storage.fullPath(''), found, (key) => key),
    );
    const goners = found.map((file) => file.key);
    const byLocation = Map.groupBy(goners, (key) => locationOf(storage, folderOf(key)));
    await deps.deletion.carryOut(task, tenant, { kind: 'files', byLocation }, (proveOwner) =>
      deleteKeys(storage, task, goners, proveOwner),
    );
    const gone = recorded - found.length;
    await tellMissing(task, keys, { there: new Set(goners), gone });
    const bytes = found.reduce((sum, file) => sum + file.sizeBytes, 0);
    return { message: `${formatFiles(found.length)}, ${formatBytes(bytes)} deleted` };
  };
}

/** Names of missing files that the log has. */
const MOST_MISSING = 100;

/** `gone`: how many an earlier attempt, whose worker was lost, may have deleted; it named them then. */
async function tellMissing(
  task: Task,
  keys: readonly string[],
  { there, gone }: { readonly there: ReadonlySet<string>; readonly gone: number },
): Promise<void> {
  const missing = keys.filter((key) => !there.has(key));
  const count = missing.length - gone;
  if (count <= 0) return;
  const more = count > MOST_MISSING ? ` and ${count - MOST_MISSING} more` : '';
  const names = gone === 0 ? `: ${missing.slice(0, MOST_MISSING).join(', ')}${more}` : '';
  await task.note('WARN', `${count} of ${keys.length} files were not there${names}`);
}

/** Those of the files that are there, in the order in which they were asked for. */
async function lookUp(
  storage: StorageDriver,
  task: Task,
  keys: readonly string[],
): Promise<readonly StoredFile[]> {
  const found = new Map<string, StoredFile>();
  await forEachParallel(keys, PARALLEL_LOOKUPS, task.signal, async (key) => {
    const file = await storage.stat(key);
    if (file !== undefined) found.set(key, file);
  });
  return keys.flatMap((key) => found.get(key) ?? []);
}
