/** What one pass of the reconciler did; shown in the Web UI. */
export interface ReconcilePassResult {
  /** Jobs that were ended because their execution had closed without an end code. */
  readonly ended: number;
  /** Jobs that are started again because Temporal did not know them. */
  readonly restarted: number;
}

/** Activities of the `scheduler` task queue. */
export interface ReconcileActivities {
  reconcile(): Promise<ReconcilePassResult>;
}
