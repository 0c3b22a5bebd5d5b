import { findSources } from '../../../src/media/source/find-sources.ts';
import type { SelectedSource } from '../../../src/media/source/select.ts';
import type { StorageDriver, StoredFile } from '../../../src/storage/driver.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { fileNameOf } from '../../../src/storage/paths.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { DOCUMENTS, type SourceFile } from '../../media/documents.ts';
import { resumeStage } from '../../resume-stage.ts';
import { writeDocument } from '../../scratch.ts';
import type { ReserveScratch } from '../../space/reserve.ts';
import type { Task, TaskCode } from '../../task.ts';
import type { FetchSourceInput, FetchSourceResult } from '../contract.ts';
import { fetchFiles } from './fetch-files.ts';
import { type FetchedSource, writeFetchedSources } from '../fetched-sources.ts';
import { formatBytes, formatFiles } from '../../format-bytes.ts';
import { checkDestination } from './check-destination.ts';
import { checkRemoteSources } from './check-remote-sources.ts';
import type { PublicationPort } from '../publish/publication.ts';
import { retried } from './retried.ts';
import { packagingNeedBytes, type SourceSize } from './scratch-need.ts';

/** A source of the job as its folder lists it, and the name it gets in the stage. */
interface Source extends SelectedSource {
  readonly listed: StoredFile;
  readonly stagedName: string;
}

/**
 * Copies the source files of a job into its scratch folder, under generated names, once those that are
 * large and remote were found to be whole and there is room for them and for all that is made of them; goes on from what earlier attempts have fetched.
 */
export function createFetchSource(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
  readonly reserve: ReserveScratch;
  /** Seconds before fetching is tried again: the tenant's `retry_delay`. */
  readonly retryDelaySeconds: (jobId: number) => Promise<number>;
}): TaskCode<FetchSourceInput, FetchSourceResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'input',
    });
    if (input.destination !== undefined) {
      const { storage: kind, folder } = input.destination;
      const output = await deps.storages.open({ tenant: input.tenant, kind, side: 'output' });
      await checkDestination(output, task, folder);
    }
    const retries = { ...deps, retries: input.retries, doing: 'fetching' };
    return resumeStage(deps.workRoot, task, 'source', (stage) =>
      retried(task, retries, () => fetchInto(stage, task, storage, input, deps)),
    );
  };
}

async function fetchInto(
  stage: string,
  task: Task,
  storage: StorageDriver,
  input: FetchSourceInput,
  deps: { readonly publication: PublicationPort; readonly reserve: ReserveScratch },
): Promise<FetchSourceResult> {
  const sources = await listSources(storage, input, deps.publication, task.signal);
  await checkRemoteSources(
    storage,
    task,
    sources.filter((one) => one.role === 'media'),
  );
  await deps.reserve(task.jobId, packagingNeedBytes(sources.map(toSourceSize), input));
  const totalBytes = await fetchFiles(storage, task, stage, sources);
  await writeDocument(stage, DOCUMENTS.files, sources.map(toSourceFile));
  await writeFetchedSources(stage, sources.map(toFetchedSource));
  return { message: `${formatFiles(sources.length)}, ${formatBytes(totalBytes)}` };
}

/** The sources of the job's folder. Throws a terminal WorkError `InvalidInput` where it holds no media. */
async function listSources(
  storage: StorageDriver,
  { tenant, folder, asset }: FetchSourceInput,
  publication: PublicationPort,
  signal: AbortSignal,
): Promise<readonly Source[]> {
  const files = await storage.list(folder, signal);
  const listed = new Map(files.map((file) => [fileNameOf(file.key), file]));
  const published = await publication.filesAt(tenant, locationOf(storage, folder));
  const selected = findSources({
    names: [...listed.keys()],
    published: new Set(published.map(fileNameOf)),
    asset,
    fullPath: storage.fullPath(folder),
  });
  return selected.flatMap((one, at) => {
    const file = listed.get(one.name);
    return file === undefined
      ? []
      : [{ ...one, listed: file, stagedName: `source_${at + 1}.${one.extension}` }];
  });
}

const toSourceSize = ({ role, extension, listed }: Source): SourceSize => ({
  role,
  extension,
  sizeBytes: listed.sizeBytes,
});

const toSourceFile = ({ name, stagedName, listed, role }: Source): SourceFile => ({
  originalName: name,
  stagedName,
  sizeBytes: listed.sizeBytes,
  role,
});

const toFetchedSource = ({ name, listed }: Source): FetchedSource => ({
  originalName: name,
  sizeBytes: listed.sizeBytes,
  modifiedMs: listed.modifiedMs,
  ...(listed.version === undefined ? {} : { version: listed.version }),
});
