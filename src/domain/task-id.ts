/** How many task ids one job owns; task numbers run from 1 to this minus one. */
export const TASKS_PER_JOB = 1000;

/**
 * A task's id: `job_id * 1000 + n`, where `n` counts the job's tasks in the order in which they
 * were scheduled. Unique, an integer as the contract wants it, the same again on replay.
 */
export function taskId(jobId: number, taskNumber: number): number {
  if (!Number.isSafeInteger(taskNumber) || taskNumber < 1 || taskNumber >= TASKS_PER_JOB) {
    throw new RangeError(`task number ${taskNumber} is not within 1 to ${TASKS_PER_JOB - 1}`);
  }
  return jobId * TASKS_PER_JOB + taskNumber;
}

/** The activity id under which Temporal shows a task, `fetch_source#1`. */
export function taskActivityId(taskName: string, taskNumber: number): string {
  return `${taskName}#${taskNumber}`;
}

/** The task number inside an activity id, or undefined where the activity is no task. */
export function taskNumberOf(activityId: string): number | undefined {
  const match = /#(\d+)$/.exec(activityId);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
