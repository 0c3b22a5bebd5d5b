import { type Client, ScheduleAlreadyRunning } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import type { Db } from '../store/db.ts';
import { getShortestScheduleInterval } from '../store/schedule-intervals.ts';
import { type ScheduleName, SCHEDULES, SEARCH_ATTRIBUTES } from './names.ts';
import { SCHEDULE_DEFINITIONS, SCHEDULE_NAMES } from './schedule-definitions.ts';
import { isAsWanted, scheduleOptions } from './schedule-options.ts';

// temporal.api.enums.v1.IndexedValueType
const INDEXED = { [SearchAttributeType.KEYWORD]: 2, [SearchAttributeType.INT]: 3 } as const;

const ATTRIBUTES = {
  [SEARCH_ATTRIBUTES.client]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.workflow]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.contentId]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.state]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.priority]: INDEXED.INT,
};

/**
 * Creates the engine's search attributes. Adding one again with another type says "ok" and changes
 * nothing, so the types are read back: throws where a namespace holds one of another type.
 */
export async function registerSearchAttributes(client: Client, namespace: string): Promise<void> {
  const { operatorService } = client.connection;
  await operatorService.addSearchAttributes({ namespace, searchAttributes: ATTRIBUTES });
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  for (const [name, type] of Object.entries(ATTRIBUTES)) {
    const found = customAttributes[name];
    if (found !== undefined && found !== type) {
      throw new Error(
        `Search attribute ${name} of namespace ${namespace} has type ${found}, it must be ${type}: remove it or use another namespace`,
      );
    }
  }
}

/**
 * Creates the engine's schedules where they are missing and brings those of an older version up to date.
 * One that was switched off stays so: only when and what it runs is set, never its state.
 */
export async function registerSchedules(deps: {
  readonly db: Db;
  readonly client: Client;
}): Promise<void> {
  for (const name of SCHEDULE_NAMES) {
    const { everySeconds, description } = SCHEDULE_DEFINITIONS[name];
    const isOfSettings = name === SCHEDULES.queueScheduledJobs;
    const seconds = isOfSettings ? await getShortestScheduleInterval(deps.db) : everySeconds;
    await registerSchedule(deps.client, name, seconds, description);
  }
}

async function registerSchedule(
  client: Client,
  name: ScheduleName,
  everySeconds: number,
  note: string,
): Promise<void> {
  const wanted = scheduleOptions(name, everySeconds);
  try {
    await client.schedule.create({ ...wanted, scheduleId: name, state: { note } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(name);
    if (isAsWanted(name, everySeconds, await handle.describe())) return;
    await handle.update((previous) => ({ ...previous, ...wanted }));
  }
}
