import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkError } from '../../src/domain/failure.ts';
import { findSources } from '../../src/media/source/find-sources.ts';
import type { SelectedSource } from '../../src/media/source/select.ts';
import { isSameFile, type StorageDriver, type StoredFile } from '../../src/storage/driver.ts';
import { locationOf } from '../../src/storage/location.ts';
import { fileNameOf } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import { DOCUMENTS, type SourceFile } from '../media/documents.ts';
import { fillStage, writeDocument } from '../scratch.ts';
import type { ReserveScratch } from '../space/reserve.ts';
import type { Task, TaskCode } from '../task.ts';
import type { FetchSourceInput, FetchSourceResult } from './contract.ts';
import { type FetchedSource, writeFetchedSources } from './fetched-sources.ts';
import { formatBytes } from './format-bytes.ts';
import { forEachParallel } from './parallel.ts';
import type { PublicationPort } from './publication.ts';
import { packagingNeedBytes, type SourceSize } from './scratch-need.ts';
import { createTransferProgress } from './transfer-progress.ts';

const PARALLEL_FILES = 4;
const RETRY_DELAY_MS = 5000;

/** A source of the job as its folder lists it, and the name it gets in the stage. */
interface Source extends SelectedSource {
  readonly listed: StoredFile;
  readonly stagedName: string;
}

/**
 * Copies the source files of a job into its scratch folder, under generated names, once there is room
 * for them and for all that is made of them.
 */
export function createFetchSource(deps: {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
  readonly reserve: ReserveScratch;
  /** Wait before fetching is tried again. Default 5 s. */
  readonly fetchRetryDelayMs?: number;
}): TaskCode<FetchSourceInput, FetchSourceResult> {
  return async (task, input) => {
    const storage = await deps.storages.open({
      tenant: input.tenant,
      kind: input.storage,
      side: 'input',
    });
    return fillStage(deps.workRoot, task, 'source', async (stage) => {
      for (let tries = 0; ; tries++) {
        try {
          return await fetchInto(stage, task, storage, input, deps);
        } catch (error) {
          // where space is short, `retry_delay` is the wait for it
          const isHopeless =
            error instanceof WorkError && (error.isTerminal || error.type === 'NoSpace');
          if (isHopeless || tries >= input.retries || task.signal.aborted) throw error;
          const why = error instanceof Error ? error.message : String(error);
          await task.note('WARN', `${why}; fetching again (${tries + 1} of ${input.retries})`);
          await delay(deps.fetchRetryDelayMs ?? RETRY_DELAY_MS, undefined, { signal: task.signal });
        }
      }
    });
  };
}

async function fetchInto(
  stage: string,
  task: Task,
  storage: StorageDriver,
  input: FetchSourceInput,
  deps: { readonly publication: PublicationPort; readonly reserve: ReserveScratch },
): Promise<FetchSourceResult> {
  const sources = await listSources(storage, input, deps.publication);
  await deps.reserve(task.jobId, packagingNeedBytes(sources.map(toSourceSize), input));
  const totalBytes = sources.reduce((sum, source) => sum + source.listed.sizeBytes, 0);
  const progressOf = createTransferProgress(task, 'fetching', totalBytes);
  await forEachParallel(sources, PARALLEL_FILES, task.signal, async (source, signal) => {
    const { listed, name } = source;
    const fetched = await storage.download(listed.key, join(stage, source.stagedName), {
      signal,
      onProgress: progressOf(name),
    });
    if (!isSameFile(fetched, listed)) {
      throw new WorkError(
        'StorageFailed',
        `${storage.fullPath(listed.key)} changed after it was listed, from ${listed.sizeBytes} to ${fetched.sizeBytes} bytes; submit a job when its upload has ended`,
      );
    }
  });
  await writeDocument(stage, DOCUMENTS.files, sources.map(toSourceFile));
  await writeFetchedSources(stage, sources.map(toFetchedSource));
  const files = `${sources.length} file${sources.length === 1 ? '' : 's'}`;
  return { message: `${files}, ${formatBytes(totalBytes)}` };
}

/** The sources of the job's folder. Throws a terminal WorkError `InvalidInput` where it holds no media. */
async function listSources(
  storage: StorageDriver,
  { tenant, folder, asset }: FetchSourceInput,
  publication: PublicationPort,
): Promise<readonly Source[]> {
  const listed = new Map((await storage.list(folder)).map((file) => [fileNameOf(file.key), file]));
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
