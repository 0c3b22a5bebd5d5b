import type { ScheduleStatus } from '../../src/contract/schedules.ts';
import type { ScheduleName } from '../../src/temporal/names.ts';
import { SCHEDULE_DEFINITIONS, SCHEDULE_NAMES } from '../../src/temporal/schedule-definitions.ts';
import type { Schedules } from '../../src/temporal/schedules.ts';

/** The schedules where there is no Temporal: they can be switched and never run. */
export class FakeSchedules implements Schedules {
  readonly #off = new Set<ScheduleName>();

  list = async (): Promise<readonly ScheduleStatus[]> =>
    SCHEDULE_NAMES.map((name) => ({
      ...SCHEDULE_DEFINITIONS[name],
      name,
      isActive: !this.#off.has(name),
      nextRunAt: null,
      lastRunAt: null,
    }));

  setActive = async (name: ScheduleName, isActive: boolean): Promise<void> => {
    if (isActive) this.#off.delete(name);
    else this.#off.add(name);
  };
}
