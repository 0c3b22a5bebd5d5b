import type { Storages } from '../../src/storage/storages.ts';
import { createCleanup } from './cleanup.ts';
import { createDeleteAsset } from './delete-asset.ts';
import { createDeleteFiles } from './delete-files.ts';
import { createDeleteSource } from './delete-source.ts';
import type { DeletionPort } from './deletion.ts';
import { createFetchSource } from './fetch-source.ts';
import type { ReserveScratch } from '../space/reserve.ts';
import type { PublicationPort } from './publication.ts';
import { createPublish } from './publish.ts';
import { createRestorePublication } from './restore-publication.ts';
import type { RestorationPort } from './restoration.ts';
import type { UploadsPort } from './uploads.ts';

/** What the file tasks are given. */
export interface FileTaskDeps {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
  readonly reserve: ReserveScratch;
  readonly deletion: DeletionPort;
  readonly restoration: RestorationPort;
  readonly uploads: UploadsPort;
  /** Wait before fetching is tried again. Default 5 s. */
  readonly fetchRetryDelayMs?: number;
}

/** The tasks that move files between storage and scratch, by the names of `src/domain/tasks.ts`. */
export function createFileTasks(deps: FileTaskDeps) {
  return {
    fetchSource: createFetchSource(deps),
    publish: createPublish(deps),
    deleteSource: createDeleteSource(deps),
    deleteAsset: createDeleteAsset(deps),
    deleteFiles: createDeleteFiles(deps),
    restorePublication: createRestorePublication(deps),
    cleanup: createCleanup(deps),
  };
}
