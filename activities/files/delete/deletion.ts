import type { AssetDeleteFiles } from '../../../src/contract/deletes.ts';
import type { JobResult } from '../../../src/domain/callback.ts';
import type { ListingRow } from '../../../src/domain/deletion-listing.ts';
import type { Task } from '../../task.ts';

/** What publications name no more once files are deleted. */
export type Forgotten =
  /** All assets in a folder, see `locationOf`, and below it. */
  | { readonly kind: 'folder'; readonly location: string }
  /** Keys of files, by the location of their folder. */
  | { readonly kind: 'files'; readonly byLocation: ReadonlyMap<string, readonly string[]> };

/** The record of what a job deletes. */
export interface DeletionPort {
  /** The files that an `asset_delete` was asked to delete. */
  filesOf(jobId: number): Promise<AssetDeleteFiles>;

  /** Tenants, by name, one of whose roots is the folder at a location or lies below it. */
  rootsBelow(location: string): Promise<readonly string[]>;

  /**
   * Adds to what the job will tell that it has deleted, before anything is: a worker killed half way
   * tells all of it after its retry. `listing` goes to the job's log. Returns how many files are recorded
   * with those of earlier attempts. Throws a WorkError `Superseded` where another attempt took over.
   */
  record(
    task: Task,
    result: Pick<JobResult, 'message'> & { readonly files: readonly string[] },
    listing: readonly ListingRow[],
  ): Promise<number>;

  /**
   * Runs `work`, which deletes, while this attempt is proved to own its task, then lets the tenant's
   * publications forget what is gone. `work` calls `proveOwner` before each of its calls. Throws a
   * WorkError `Superseded` where another attempt took over.
   */
  carryOut(
    task: Task,
    tenant: string,
    forgotten: Forgotten,
    work: (proveOwner: () => Promise<void>) => Promise<void>,
  ): Promise<void>;
}
