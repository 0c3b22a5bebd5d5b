import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkError } from '../../src/domain/failure.ts';
import { SOURCE_EXTENSIONS, selectSourceFiles } from '../../src/media/source/select.ts';
import type { StorageKind } from '../../src/domain/storage-kind.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { DOCUMENTS, type SourceFile } from '../media/documents.ts';
import { fillStage, writeDocument } from '../scratch.ts';
import type { Task, TaskCode } from '../task.ts';
import { formatBytes } from './format-bytes.ts';
import { isPublishedName } from './published-names.ts';
import { forEachParallel } from './parallel.ts';
import type { FetchSourceInput, FetchSourceResult } from './contract.ts';

const PARALLEL_FILES = 4;
const RETRY_DELAY_MS = 5000;

/** Copies the source files of a job into its scratch folder, under generated names. */
export function createFetchSource(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
}): TaskCode<FetchSourceInput, FetchSourceResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'input',
    });
    for (let tries = 0; ; tries++) {
      try {
        return await fetchOnce(deps.workRoot, task, storage, input);
      } catch (error) {
        const isHopeless = error instanceof WorkError && error.isTerminal;
        if (isHopeless || tries >= input.retries || task.signal.aborted) throw error;
        const why = error instanceof Error ? error.message : String(error);
        await task.note('WARN', `${why}; fetching again (${tries + 1} of ${input.retries})`);
        await delay(RETRY_DELAY_MS, undefined, { signal: task.signal });
      }
    }
  };
}

async function fetchOnce(
  workRoot: string,
  task: Task,
  storage: StorageDriver,
  input: FetchSourceInput,
): Promise<FetchSourceResult> {
  const listed = await storage.list(input.folder);
  const names = listed.map((file) => file.key.slice(input.folder.length + 1));
  const selected = selectSourceFiles(names, {
    isExcluded: (name) => isPublishedName(input.asset, name),
  });
  if (!selected.some((one) => one.role === 'media')) {
    throw new WorkError(
      'InvalidInput',
      `No source found in ${storage.fullPath(input.folder)}: there is no file with one of the extensions ` +
        [...SOURCE_EXTENSIONS]
          .filter(([, role]) => role === 'media')
          .map(([one]) => one)
          .join(', '),
    );
  }
  const totalBytes = listed.reduce((sum, file) => sum + file.sizeBytes, 0);
  return fillStage(workRoot, task, 'source', async (folder) => {
    const done = new Map<string, number>();
    const files: SourceFile[] = [];
    await forEachParallel([...selected.entries()], PARALLEL_FILES, async ([at, source]) => {
      const stagedName = `source_${at + 1}.${source.extension}`;
      const fetched = await storage.download(
        joinKey(input.folder, source.name),
        join(folder, stagedName),
        {
          signal: task.signal,
          onProgress: (doneBytes) => {
            done.set(source.name, doneBytes);
            const sum = [...done.values()].reduce((a, b) => a + b, 0);
            task.progress({
              step: `fetching ${source.name}`,
              doneBytes: sum,
              doneRatio: totalBytes === 0 ? 1 : Math.min(1, sum / totalBytes),
            });
          },
        },
      );
      files[at] = {
        originalName: source.name,
        stagedName,
        sizeBytes: fetched.sizeBytes,
        role: source.role,
      };
    });
    await writeDocument(folder, DOCUMENTS.files, files);
    const sum = files.reduce((bytes, file) => bytes + file.sizeBytes, 0);
    return { message: `${files.length} file${files.length === 1 ? '' : 's'}, ${formatBytes(sum)}` };
  });
}
