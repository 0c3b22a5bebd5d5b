/**
 * The states of a job and how each one is left.
 *
 * | state | number | left by |
 * |---|---|---|
 * | scheduled | 5 | `run_at` past and the semaphore open → queued; paused or broken by a person |
 * | queued | 0 | admission → started; paused or broken by a person |
 * | started | 1 | the workflow's end → completed; paused, or broken, by a person |
 * | pending | 3 | kept for the original's numbering; nothing enters it |
 * | paused | 6 | put back → queued; broken by a person |
 * | completed | 2 | rerun → broken; otherwise final (`failed` is a flag of its own) |
 * | broken | 4 | final |
 *
 * The numbers are the wire contract's (contract §4) and are what the store keeps.
 */
export const JOB_STATES = {
  queued: 0,
  started: 1,
  completed: 2,
  pending: 3,
  broken: 4,
  scheduled: 5,
  paused: 6,
} as const;

/** A job's state as the API spells it. */
export type JobState = keyof typeof JOB_STATES;

const NAMES = new Map<number, JobState>(
  Object.entries(JOB_STATES).map(([name, number]) => [number, name as JobState]),
);

/** The word for a state's number. Throws a RangeError for a number that is no state. */
export function jobStateName(number: number): JobState {
  const name = NAMES.get(number);
  if (name === undefined) throw new RangeError(`${number} is not a job state (0 to 6)`);
  return name;
}
