import type { StorageKind } from '../../src/domain/storage-kind.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { DOCUMENTS, type SourceFile } from '../media/documents.ts';
import { readDocument, stageFolder } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { DeleteSourceInput, DeleteSourceResult } from './contract.ts';

/**
 * Deletes the files that this job fetched, nothing else in their folder, and only where they are
 * still the ones it fetched.
 */
export function createDeleteSource(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
}): TaskCode<DeleteSourceInput, DeleteSourceResult> {
  return async (task, input) => {
    const files = await readDocument<readonly SourceFile[]>(
      stageFolder(deps.workRoot, input.jobId, 'source'),
      DOCUMENTS.files,
    );
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'input',
    });
    const gone: string[] = [];
    for (const file of files) {
      const key = joinKey(input.folder, file.originalName);
      const there = await storage.stat(key);
      if (there !== undefined && there.sizeBytes !== file.sizeBytes) {
        await task.note('WARN', `${file.originalName} has changed since it was fetched; it stays`);
        continue;
      }
      gone.push(key);
    }
    await storage.delete(gone);
    return { message: `${gone.length} source files deleted` };
  };
}
