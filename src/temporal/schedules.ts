import { setTimeout as delay } from 'node:timers/promises';
import {
  type ScheduleDescription,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { ScheduleStatus } from '../contract/schedules.ts';
import type { Db } from '../store/db.ts';
import { getShortestScheduleInterval } from '../store/schedule-intervals.ts';
import type { TemporalClient } from './client.ts';
import { type ScheduleName, SCHEDULES } from './names.ts';
import { SCHEDULE_DEFINITIONS, SCHEDULE_NAMES } from './schedule-definitions.ts';
import { specOf } from './schedule-options.ts';

/** Temporal did not answer, or knows nothing of the schedule yet. */
export class SchedulesUnavailableError extends Error {
  override readonly name = 'SchedulesUnavailableError';
}

/** The schedules as operators see and switch them. */
export interface Schedules {
  /** What Temporal knows. Throws a {@link SchedulesUnavailableError} after two seconds at most. */
  readonly list: () => Promise<readonly ScheduleStatus[]>;
  /**
   * Switches one on or off for good; `note` is kept with it. Switched off, a run under way is called off
   * too. Throws a {@link SchedulesUnavailableError}.
   */
  readonly setActive: (name: ScheduleName, isActive: boolean, note: string) => Promise<void>;
}

/** All tries of a call together, milliseconds. */
const CALL_TIMEOUT_MS = 1700;
/** A server that is busy with a schedule refuses it at times. */
const TRIES = 3;
const PAUSE_MS = 150;

/** How long a switch waits for a run that it has called off, milliseconds. */
const STOP_TIMEOUT_MS = 3000;
/** One call of what goes on beside the engine's work, milliseconds. */
const ASIDE_TIMEOUT_MS = 5000;

const lastOf = <Item>(items: readonly Item[]): Item | undefined => items.at(-1);

function statusFrom(name: ScheduleName, found: ScheduleDescription): ScheduleStatus {
  const { queue, description } = SCHEDULE_DEFINITIONS[name];
  return {
    name,
    workflowType: found.action.workflowType,
    everySeconds: (found.spec.intervals?.[0]?.every ?? 0) / 1000,
    queue,
    description,
    isActive: !found.state.paused,
    nextRunAt: found.state.paused ? null : (found.info.nextActionTimes[0] ?? null),
    lastRunAt: lastOf(found.info.recentActions)?.takenAt ?? null,
  };
}

/** Makes {@link Schedules} of a client that does not try failed calls again by itself. */
export function createSchedules(temporal: TemporalClient): Schedules {
  const handleOf = (name: ScheduleName) => temporal.client.schedule.getHandle(name);

  const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const endsAt = performance.now() + CALL_TIMEOUT_MS;
    for (let tries = 1; ; tries++) {
      const leftMs = endsAt - performance.now();
      try {
        return await temporal.withTimeout(leftMs, work);
      } catch (error) {
        if (error instanceof ScheduleNotFoundError) throw error;
        if (tries < TRIES && endsAt - performance.now() > PAUSE_MS) {
          await delay(PAUSE_MS);
          continue;
        }
        throw new SchedulesUnavailableError('Temporal does not answer; try again later', {
          cause: error,
        });
      }
    }
  };

  const describe = async (name: ScheduleName): Promise<ScheduleStatus | undefined> => {
    try {
      return statusFrom(name, await call(() => handleOf(name).describe()));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  };

  /** Calls off what a schedule has started and waits a moment for its end. */
  const stopRuns = async (name: ScheduleName): Promise<void> => {
    const { info } = await call(() => handleOf(name).describe());
    await Promise.all(
      info.runningActions.map(async ({ workflow }) => {
        const run = temporal.client.workflow.getHandle(
          workflow.workflowId,
          workflow.firstExecutionRunId,
        );
        try {
          await temporal.withTimeout(STOP_TIMEOUT_MS, async () => {
            await run.cancel();
            await run.result();
          });
        } catch {
          // ended already, ended by the cancel, or still ending: it is told
        }
      }),
    );
  };

  return {
    list: async () => {
      const found = await Promise.all(SCHEDULE_NAMES.map(describe));
      return found.filter((one) => one !== undefined);
    },
    setActive: async (name, isActive, note) => {
      try {
        const handle = handleOf(name);
        await call(() => (isActive ? handle.unpause(note) : handle.pause(note)));
        if (!isActive) await stopRuns(name);
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        throw new SchedulesUnavailableError(
          `${name} is not there yet: the first worker that starts creates it`,
          { cause: error },
        );
      }
    },
  };
}

/**
 * Brings the interval of `queue_scheduled_jobs` to the shortest `schedule_interval` that anybody has set
 * and resolves to it, seconds. Its switch and everything else stay. Nothing happens where the schedule is
 * not there yet; throws where Temporal or Postgres does not answer.
 */
export async function syncScheduleInterval(deps: {
  readonly db: Db;
  readonly temporal: TemporalClient;
}): Promise<number> {
  const { temporal } = deps;
  const name = SCHEDULES.queueScheduledJobs;
  const everySeconds = await getShortestScheduleInterval(deps.db);
  await temporal.withTimeout(ASIDE_TIMEOUT_MS, async () => {
    const handle = temporal.client.schedule.getHandle(name);
    try {
      const { spec } = await handle.describe();
      if (spec.intervals?.[0]?.every === everySeconds * 1000) return;
      await handle.update((previous) => ({ ...previous, spec: specOf(name, everySeconds) }));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  });
  return everySeconds;
}

/**
 * Runs a schedule once more, beside its ticks: at once, or after the run that is under way. Nothing happens
 * where somebody has switched it off or it is not there yet; throws where Temporal does not answer.
 */
export async function runScheduleNow(temporal: TemporalClient, name: ScheduleName): Promise<void> {
  await temporal.withTimeout(ASIDE_TIMEOUT_MS, async () => {
    const handle = temporal.client.schedule.getHandle(name);
    try {
      const { state } = await handle.describe();
      if (!state.paused) await handle.trigger(ScheduleOverlapPolicy.BUFFER_ONE);
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  });
}
