import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/workflow';

/** Why something failed, in one line for people: the cause the work gave, not Temporal's wrapping. */
export function failureReason(error: unknown): string {
  if (isCancellation(error)) return 'The job was cancelled';
  if (error instanceof ActivityFailure && error.cause !== undefined) {
    return error.cause instanceof TimeoutFailure
      ? `${error.activityType} was lost or took too long (${error.cause.timeoutType})`
      : failureReason(error.cause);
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * An error that ends the workflow. A plain Error would only fail the workflow task, which Temporal
 * repeats for ever while the job holds its slot.
 */
export function toWorkflowFailure(error: unknown): TemporalFailure {
  if (error instanceof TemporalFailure) return error;
  return ApplicationFailure.fromError(error instanceof Error ? error : new Error(String(error)), {
    nonRetryable: true,
  });
}
