import type { LeftUploads, Uploads } from '../../../src/store/uploads.ts';
import type { Task } from '../../task.ts';

/** Whose uploads are to be taken back: of one job, or whatever is due but for storages that are busy. */
export type UploadsChoice =
  | { readonly jobId: number; readonly taskNumber: number }
  | { readonly busy: readonly string[] };

/** Takes uploads back and tells the keys that must stay, because a manifest on air names them. */
export type TakeBack = (uploads: LeftUploads) => Promise<readonly string[]>;

/** What came of one try: `failed` is written down, with the time of the next. */
export type TakeBackOutcome = 'done' | 'failed' | 'nothing';

/** What publishes are writing, so that nothing is left behind by those that never end. */
export interface UploadsPort {
  /**
   * Keeps what an attempt is about to write, before it does. Throws a WorkError `Superseded`, with nothing
   * kept, where the attempt does not own its task.
   */
  record(task: Task, uploads: Uploads): Promise<void>;

  /** Whether an attempt still owns its task and its job was not given up. Throws where Postgres does not answer. */
  isOwner(task: Task): Promise<boolean>;

  /** Whether an attempt still owns its task, also of a job that was given up: what it published stays. */
  ownsTask(task: Task): Promise<boolean>;

  /** The files that the switch of a task made where there were none, see {@link Uploads.made}. */
  madeBy(task: Task): Promise<Uploads['made']>;

  /** An attempt has taken back what it wrote. Does nothing where another attempt owns the task by now. */
  forget(task: Task): Promise<void>;

  /** An attempt that was cut off may have written after everything was taken back: it is looked at again. */
  revive(task: Task, uploads: Uploads): Promise<void>;

  /** Numbers of a job's tasks that have ended and left uploads. */
  leftBy(jobId: number): Promise<readonly number[]>;

  /** What ended tasks have left in a tenant's folder and nobody has taken back; `location`: see `locationOf`. */
  leftIn(
    tenant: string,
    location: string,
  ): Promise<readonly { readonly jobId: number; readonly taskNumber: number }[]>;

  /** Runs `work` on uploads whose task has ended, while nobody else does and nothing is switched there. */
  takeBack(choice: UploadsChoice, work: TakeBack): Promise<TakeBackOutcome>;
}
