/** What one pass over the scheduled jobs did; shown in the Web UI. */
export interface QueuePassResult {
  /** Jobs that were queued. */
  readonly queued: number;
  /** Semaphores that were asked. */
  readonly polls: number;
}

/** What one clearing did. */
export interface ClearPassResult {
  /** Jobs that were deleted. */
  readonly jobs: number;
  /** Keys of requests (`Idempotency-Key`) that were forgotten. */
  readonly keys: number;
}

/** Activities of the schedules, on task queue `scheduler`. */
export interface ScheduleActivities {
  queueScheduledJobs(): Promise<QueuePassResult>;
  clearJobs(): Promise<ClearPassResult>;
}
