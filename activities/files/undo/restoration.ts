import type { JobResult } from '../../../src/domain/callback.ts';
import type { FormerPublication } from '../../../src/store/former-publications.ts';
import type { Task } from '../../task.ts';

/** A former publication whose files are deleted, and the keys that are to go. */
export interface Purge {
  readonly former: FormerPublication & { readonly tenant: string };
  readonly keys: readonly string[];
}

/** The record of publications that were replaced. */
export interface RestorationPort {
  /** What a job's publication replaced; undefined where nothing can be put back any more. */
  find(undoneJobId: number): Promise<FormerPublication | undefined>;

  /** Whether this job has put something back already: an attempt that was lost after its switch did. */
  isDone(jobId: number): Promise<boolean>;

  /**
   * Runs `work` while this attempt is proved to own its task, then records the former publication as the one
   * on air and `result` as what the job tells. `taken` are keys that other assets in the folder have published
   * since: they stay. Returns the id of the record of what was taken back, for
   * {@link RestorationPort.purge}. Throws a WorkError `Superseded` where another attempt took over, and
   * `InvalidInput` where another publication is on air meanwhile.
   */
  switchBack(
    task: Task,
    former: FormerPublication,
    result: JobResult,
    work: (proveOwner: () => Promise<void>, taken: ReadonlySet<string>) => Promise<void>,
  ): Promise<number>;

  /**
   * Runs `work` on what is to be deleted of a former publication, while nothing else changes its folder, and
   * forgets the publication. Does nothing where it is gone already.
   */
  purge(formerId: number, work: (purge: Purge) => Promise<void>): Promise<void>;
}
