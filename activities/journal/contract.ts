import type { TaskEventName } from '../../src/domain/callback.ts';

/** A task event as workflow code makes it; the store's side adds ids and the frozen body. */
export interface TaskEvent {
  readonly taskNumber: number;
  readonly taskName: string;
  readonly event: TaskEventName;
  readonly message: string;
  /** Workflow time of the event, milliseconds since 1970 UTC. */
  readonly timeMs: number;
}

/** Input of `recordEvents`. */
export interface RecordEventsInput {
  readonly jobId: number;
  readonly events: readonly TaskEvent[];
}

/**
 * Numbers of the tasks whose start is held because the job is paused; undefined where none is, which
 * is what histories of version 0.1.0 say too.
 */
export type RecordEventsResult = readonly number[] | undefined;

/** Input of `finishJob`. */
export interface FinishJobInput {
  readonly jobId: number;
  readonly isFailed: boolean;
  /** Why it failed; empty for a job that succeeded. */
  readonly reason: string;
  readonly timeMs: number;
  /** Task events not yet recorded; they go before the job's end. */
  readonly events: readonly TaskEvent[];
}

/**
 * The local activities of the callback interceptor. Each is one short Postgres transaction; doing one
 * again does nothing.
 */
export interface JournalActivities {
  recordEvents(input: RecordEventsInput): Promise<RecordEventsResult>;
  finishJob(input: FinishJobInput): Promise<void>;
}
