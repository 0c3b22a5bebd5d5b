import type { Storages } from '../../src/storage/storages.ts';
import { createCleanup } from './cleanup.ts';
import { createDeleteAsset } from './delete/delete-asset.ts';
import { createDeleteFiles } from './delete/delete-files.ts';
import { createDeleteSource } from './delete/delete-source.ts';
import type { DeletionPort } from './delete/deletion.ts';
import { createFetchSource } from './fetch/fetch-source.ts';
import type { ReserveScratch } from '../space/reserve.ts';
import type { PublicationPort } from './publish/publication.ts';
import { createPublish } from './publish/publish.ts';
import { createRestorePublication } from './undo/restore-publication.ts';
import type { RestorationPort } from './undo/restoration.ts';
import type { UploadsPort } from './publish/uploads.ts';

/** What the file tasks are given. */
export interface FileTaskDeps {
  readonly workRoot: string;
  readonly storages: Storages;
  readonly publication: PublicationPort;
  readonly reserve: ReserveScratch;
  readonly deletion: DeletionPort;
  readonly restoration: RestorationPort;
  readonly uploads: UploadsPort;
  /** Seconds before fetching is tried again: the tenant's `retry_delay`. */
  readonly retryDelaySeconds: (jobId: number) => Promise<number>;
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
