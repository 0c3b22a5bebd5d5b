import { isSameFile } from '../../../src/storage/driver.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import type { TaskCode } from '../../task.ts';
import type { DeleteSourceInput, DeleteSourceResult } from '../contract.ts';
import { readFetchedSources } from '../fetched-sources.ts';
import { formatFiles } from '../../format-bytes.ts';

/**
 * Deletes the files that this job fetched, nothing else in their folder, and only where they are
 * still the ones it fetched.
 */
export function createDeleteSource(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
}): TaskCode<DeleteSourceInput, DeleteSourceResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'input',
    });
    const gone: string[] = [];
    for (const file of await readFetchedSources(deps.workRoot, input.jobId)) {
      const key = joinKey(input.folder, file.originalName);
      const there = await storage.stat(key);
      const isChanged = there !== undefined && !isSameFile(there, file);
      if (isChanged) {
        await task.note('WARN', `${file.originalName} has changed since it was fetched; it stays`);
      } else {
        gone.push(key);
      }
    }
    await storage.delete(gone);
    return { message: `${formatFiles(gone.length, 'source file')} deleted` };
  };
}
