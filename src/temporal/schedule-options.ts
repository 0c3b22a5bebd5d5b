import {
  type ScheduleDescription,
  type ScheduleOptions,
  ScheduleOverlapPolicy,
  type ScheduleSpec,
} from '@temporalio/client';
import { type ScheduleName, TASK_QUEUES } from './names.ts';
import { SCHEDULE_DEFINITIONS } from './schedule-definitions.ts';

/** The least that Temporal takes: a tick that could not be made in time is not made up for. */
const CATCHUP_SECONDS = 10;

/** When a schedule ticks. */
export const specOf = (name: ScheduleName, everySeconds: number): ScheduleSpec => ({
  intervals: [
    {
      every: `${everySeconds}s`,
      offset: `${SCHEDULE_DEFINITIONS[name].offsetSeconds ?? 0}s`,
    },
  ],
});

/** A schedule as the engine wants it. A tick while a run is under way is left out. */
export function scheduleOptions(
  name: ScheduleName,
  everySeconds: number,
): Pick<ScheduleOptions, 'spec' | 'policies' | 'action'> {
  const { workflowType, description } = SCHEDULE_DEFINITIONS[name];
  return {
    spec: specOf(name, everySeconds),
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: `${CATCHUP_SECONDS}s` },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId: name,
      taskQueue: TASK_QUEUES.controller,
      staticSummary: description,
    },
  };
}

/** Whether a schedule is as the engine wants it; its switch and its note are its operators'. */
export function isAsWanted(
  name: ScheduleName,
  everySeconds: number,
  found: Pick<ScheduleDescription, 'spec' | 'policies' | 'action'>,
): boolean {
  const { workflowType, description, offsetSeconds = 0 } = SCHEDULE_DEFINITIONS[name];
  const [interval, ...others] = found.spec.intervals ?? [];
  return (
    interval?.every === everySeconds * 1000 &&
    (interval.offset ?? 0) === offsetSeconds * 1000 &&
    others.length === 0 &&
    (found.spec.calendars ?? []).length === 0 &&
    found.policies.overlap === ScheduleOverlapPolicy.SKIP &&
    found.policies.catchupWindow === CATCHUP_SECONDS * 1000 &&
    found.action.workflowType === workflowType &&
    found.action.workflowId === name &&
    found.action.taskQueue === TASK_QUEUES.controller &&
    found.action.staticSummary === description
  );
}
