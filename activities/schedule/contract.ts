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

/** What one sweep of the storages did. */
export interface SweepPassResult {
  /** Names of the sweeps that failed; the next pass tries again. */
  readonly failed: readonly string[];
}

/** Activities of the schedules, on task queue `scheduler`. */
export interface ScheduleActivities {
  queueScheduledJobs(): Promise<QueuePassResult>;
  clearJobs(): Promise<ClearPassResult>;
  sweepStorage(): Promise<SweepPassResult>;
}
