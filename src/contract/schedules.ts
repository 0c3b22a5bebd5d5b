import { z } from 'zod';
import { lenientBoolean } from './lenient.ts';

/** A schedule as it stands. */
export interface ScheduleStatus {
  readonly name: string;
  readonly workflowType: string;
  readonly everySeconds: number;
  readonly queue: string;
  readonly description: string;
  /** False: switched off by an operator. */
  readonly isActive: boolean;
  /** Null while it is switched off. */
  readonly nextRunAt: Date | null;
  /** Null before its first run. */
  readonly lastRunAt: Date | null;
}

const time = z.string().meta({ format: 'date-time' }).nullable();

/** A schedule on the wire. */
export const ScheduleJson = z
  .object({
    class: z.string().describe('The workflow that it starts'),
    every: z.string().describe('Its interval, as seconds and an s'),
    queue: z.string().describe('The task queue that its work is done on'),
    description: z.string(),
    active: z.boolean().describe('False: switched off'),
    next_run_at: time.describe('Null while it is switched off'),
    last_run_at: time.describe('Null before its first run'),
  })
  .meta({
    id: 'Schedule',
    example: {
      class: 'queueScheduledJobs',
      every: '60s',
      queue: 'scheduler',
      description: 'Queues scheduled jobs',
      active: true,
      next_run_at: '2030-01-31T18:01:00.000Z',
      last_run_at: '2030-01-31T18:00:00.021Z',
    },
  });

/** {@link ScheduleJson} as its type. */
export type ScheduleJson = z.infer<typeof ScheduleJson>;

/** The answer to `GET /schedules`: by name. */
export const SchedulesAnswer = z
  .object({ result: z.literal('ok'), schedules: z.record(z.string(), ScheduleJson) })
  .meta({ id: 'Schedules' });

/** The body of `PUT /scheduler`. */
export const SchedulerChange = z
  .looseObject(
    {
      schedule: z.string({ error: 'must name a schedule' }),
      active: lenientBoolean.describe('True switches it on, false off'),
    },
    { error: 'must be an object' },
  )
  .meta({ id: 'SchedulerChange', example: { schedule: 'queue_scheduled_jobs', active: false } });

/** The answer to `PUT /scheduler`: all schedules, each with its name. */
export const SchedulerAnswer = z
  .object({
    result: z.literal('ok'),
    schedules: z.array(z.object({ name: z.string(), ...ScheduleJson.shape })),
  })
  .meta({ id: 'Scheduler' });

/** A schedule for the wire. */
export const toScheduleJson = (schedule: ScheduleStatus): ScheduleJson => ({
  class: schedule.workflowType,
  every: `${schedule.everySeconds}s`,
  queue: schedule.queue,
  description: schedule.description,
  active: schedule.isActive,
  next_run_at: schedule.nextRunAt?.toISOString() ?? null,
  last_run_at: schedule.lastRunAt?.toISOString() ?? null,
});
