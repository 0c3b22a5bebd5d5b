import { z } from 'zod';
import { JOB_STATES, type JobState } from '../domain/job-state.ts';
import { countWorkers, type SeenPoller, type TellingWorker } from '../domain/queue-workers.ts';
import type { SlotSettings } from '../domain/slots.ts';
import type { JobCounts } from '../store/health.ts';
import type { TaskCounts } from '../store/task-tally.ts';

/** A number that is null while the part that knows it cannot be asked. */
const known = (description: string) => z.int().min(0).nullable().describe(description);
const state = z.string().describe('"OK", or what is wrong');

/** The answer to `GET /health` (contract §5). */
export const HealthJson = z
  .object({
    version: z.string(),
    databases: z.object({ postgres: state, temporal: state, storage: state }),
    queues: z
      .record(
        z.string(),
        z.object({
          workers: known('Workers that take work of this queue'),
          working: known('Tasks and workflow steps that they have in hand'),
          pending: known('Tasks that wait for a worker, about'),
        }),
      )
      .describe('Task queues of the whole engine, by name'),
    tasks: z
      .object({
        failed: known('Ended with a failure, since the engine was set up'),
        pending: known('Begun and not ended'),
        processed: known('Ended, since the engine was set up'),
      })
      .describe("Tasks of the client's own jobs"),
    jobs: z
      .object({
        completed: known('All that GET /jobs?state=2 lists: failed ones too'),
        failed: known('With the flag failed, completed or broken'),
        pending: known('Nothing enters this state'),
        broken: known('Given up'),
        queued: known('Waiting for a slot'),
        started: known('Running'),
        scheduled: known('Waiting for run_at or semaphore_url'),
        paused: known('Paused'),
        max_jobs: known('Setting: jobs that may run at once'),
        priority_slots: known('Setting: how many of these only priority jobs may use'),
      })
      .describe("The client's own jobs"),
  })
  .meta({ id: 'Health' });

/** {@link HealthJson} as it goes out. */
export type HealthJson = z.infer<typeof HealthJson>;

/** What a part said, or why it could not be asked. */
export type Finding<Value> = { readonly value: Value } | { readonly fault: string };

/** What was found out for one tenant. */
export interface HealthFindings {
  readonly version: string;
  readonly nowMs: number;
  /** Workers as they tell of themselves. */
  readonly postgres: Finding<readonly (TellingWorker & { readonly queue: string })[]>;
  readonly temporal: Finding<
    Readonly<Record<string, { readonly pollers: readonly SeenPoller[]; readonly pending: number }>>
  >;
  readonly storage: Finding<unknown>;
  readonly counts: Finding<{
    readonly jobs: JobCounts;
    readonly tasks: TaskCounts;
    readonly settings: SlotSettings;
  }>;
  /** Names of the task queues. */
  readonly queues: readonly string[];
}

const valueOf = <Value>(finding: Finding<Value>): Value | undefined =>
  'value' in finding ? finding.value : undefined;
const stateOf = (finding: Finding<unknown>): string => ('fault' in finding ? finding.fault : 'OK');

/** Puts the answer together; what could not be asked is null. */
export function toHealthJson(found: HealthFindings): HealthJson {
  const counts = valueOf(found.counts);
  const states = Object.keys(JOB_STATES) as readonly JobState[];
  const jobs = Object.fromEntries(
    [...states, 'failed' as const].map((name) => [name, counts?.jobs[name] ?? null]),
  ) as Record<JobState | 'failed', number | null>;
  return {
    version: found.version,
    databases: {
      postgres: stateOf(found.postgres),
      temporal: stateOf(found.temporal),
      storage: stateOf(found.storage),
    },
    queues: Object.fromEntries(found.queues.map((queue) => [queue, toQueueJson(queue, found)])),
    tasks: {
      failed: counts?.tasks.failed ?? null,
      pending: counts?.tasks.pending ?? null,
      processed: counts?.tasks.processed ?? null,
    },
    jobs: {
      ...jobs,
      max_jobs: counts?.settings.maxJobs ?? null,
      priority_slots: counts?.settings.prioritySlots ?? null,
    },
  };
}

function toQueueJson(queue: string, found: HealthFindings): HealthJson['queues'][string] {
  const stats = valueOf(found.temporal)?.[queue];
  const reported = valueOf(found.postgres)?.filter((worker) => worker.queue === queue);
  const alive = reported?.filter((worker) => worker.isAlive);
  return {
    workers: countWorkers(stats?.pollers, reported, found.nowMs),
    working: alive?.reduce((sum, worker) => sum + worker.working, 0) ?? null,
    pending: stats?.pending ?? null,
  };
}

/** The answer of a probe that is content. */
export const ProbeOk = z.object({ status: z.literal('ok') }).meta({ id: 'ProbeOk' });

/** The answer of `GET /health/ready` while no request should come here. */
export const NotReady = z
  .object({
    status: z.literal('unavailable'),
    reason: z.string().describe('The part that is missing, and why'),
  })
  .meta({
    id: 'NotReady',
    example: { status: 'unavailable', reason: 'postgres: cannot be asked (ECONNREFUSED)' },
  });

/** {@link NotReady} as it goes out. */
export type NotReady = z.infer<typeof NotReady>;
