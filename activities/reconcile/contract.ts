/** Activities of the `scheduler` task queue. */
export interface ReconcileActivities {
  reconcile(): Promise<void>;
}
