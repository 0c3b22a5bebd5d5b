import type { StorageKind } from '../../src/domain/storage-kind.ts';
import { locationOf } from '../../src/storage/location.ts';
import { joinKey } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { readDocument, stageFolder, writeDocument } from '../scratch.ts';

const NAME = 'fetched.json';

/** A source as it was when it was fetched: only that one may be deleted, none may be written over. */
export interface FetchedSource {
  readonly originalName: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Where the storage tells one. */
  readonly version?: string;
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

/** Where a job's sources are, see `locationOf`: source and output folder are the same by default. */
export async function sourceLocations(
  deps: { readonly workRoot: string; readonly storages: Storages },
  job: {
    readonly jobId: number;
    readonly tenant: string;
    readonly sourceStorage: StorageKind;
    readonly sourceFolder: string;
  },
): Promise<ReadonlySet<string>> {
  const source = await deps.storages.open({
    tenant: job.tenant,
    kind: job.sourceStorage,
    side: 'input',
  });
  const fetched = await readFetchedSources(deps.workRoot, job.jobId);
  return new Set(
    fetched.map((file) => locationOf(source, joinKey(job.sourceFolder, file.originalName))),
  );
}
