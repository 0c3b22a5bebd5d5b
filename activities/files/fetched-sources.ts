import type { StorageKind } from '../../src/domain/storage-kind.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { readDocument, stageFolder, writeDocument } from '../scratch.ts';

const NAME = 'fetched.json';

/** A source as it was when it was fetched: only that one may be deleted, none may be written over. */
export interface FetchedSource {
  readonly originalName: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Notes in stage `source` what was fetched. */
export const writeFetchedSources = (
  stage: string,
  sources: readonly FetchedSource[],
): Promise<void> => writeDocument(stage, NAME, sources);

/** What {@link writeFetchedSources} noted. */
export const readFetchedSources = (
  workRoot: string,
  jobId: number,
): Promise<readonly FetchedSource[]> => readDocument(stageFolder(workRoot, jobId, 'source'), NAME);

/**
 * Full paths of a job's sources as far as they lie in `output`'s kind of storage; source and output
 * folder are the same by default.
 */
export async function sourcePathsIn(
  output: StorageDriver,
  deps: { readonly workRoot: string; readonly storages: Storages },
  job: {
    readonly jobId: number;
    readonly tenant: string;
    readonly sourceStorage: StorageKind;
    readonly sourceFolder: string;
  },
): Promise<ReadonlySet<string>> {
  if (job.sourceStorage !== output.kind) return new Set();
  const source = await deps.storages.open({
    tenant: job.tenant,
    kind: job.sourceStorage,
    side: 'input',
  });
  const fetched = await readFetchedSources(deps.workRoot, job.jobId);
  return new Set(
    fetched.map((file) => source.fullPath(joinKey(job.sourceFolder, file.originalName))),
  );
}
