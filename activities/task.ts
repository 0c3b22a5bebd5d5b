import type { Logger } from '../src/log/logger.ts';

/** How far a task has come; shown as heartbeat details in the Web UI. */
export interface TaskProgress {
  /** What is being done, for people: `copying movie.mp4`. */
  readonly step?: string;
  /** Share done, 0 to 1, where it is known. */
  readonly doneRatio?: number;
  readonly doneBytes?: number;
}

/**
 * One attempt of one task, as its code sees it. Made by `run-task.ts` from Temporal's activity
 * context; a test makes its own.
 */
export interface Task {
  readonly jobId: number;
  /** The job's count of tasks, 1 for the first. */
  readonly taskNumber: number;
  /** 1 for the first attempt. Lost workers count here too, unlike in `retry_limit`. */
  readonly attempt: number;
  /** The workflow run the attempt belongs to; attempts count anew in another run. */
  readonly runId: string;
  /** Aborts when the job is cancelled, the worker stops, or this attempt has lost its task. */
  readonly signal: AbortSignal;
  /** Tells how far the work is; cheap, may be called often. */
  readonly progress: (update: TaskProgress) => void;
  readonly log: Logger;
  /** Adds a row to the job's own log (`GET /logs/:id`). */
  readonly note: (severity: 'INFO' | 'WARN' | 'ERROR', message: string) => Promise<void>;
}

/** The code of a task: gets its attempt and its input, returns plain JSON or throws a WorkError. */
export type TaskCode<Input, Result> = (task: Task, input: Input) => Promise<Result>;
