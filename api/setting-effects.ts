import { setTimeout as delay } from 'node:timers/promises';
import { isSlotSetting } from '../src/domain/settings.ts';
import { listTenantsWithQueuedJobs } from '../src/store/tenants.ts';
import type { ApiDeps } from './deps.ts';

/** How long an answer waits for Temporal to take a new interval, milliseconds. */
const LONGEST_SYNC_MS = 2000;

/**
 * Makes a changed setting take effect at once: jobs that it lets start are admitted, the schedule gets
 * its interval. `tenantId` null is a setting of the system. What fails here happens a little later:
 * the reconciler admits, a starting worker registers the schedule.
 */
export async function applySettingChange(
  deps: Pick<ApiDeps, 'db' | 'log' | 'admitter' | 'syncScheduleInterval'>,
  tenantId: number | null,
  name: string,
): Promise<void> {
  if (isSlotSetting(name)) {
    const tenants = tenantId === null ? await listTenantsWithQueuedJobs(deps.db) : [tenantId];
    tenants.forEach(deps.admitter.request);
  }
  if (name !== 'schedule_interval' || deps.syncScheduleInterval === undefined) return;
  const sync = deps.syncScheduleInterval().catch((error: unknown) => {
    deps.log.warn({ err: error }, 'schedule keeps its interval for now: Temporal did not take it');
  });
  await Promise.race([sync, delay(LONGEST_SYNC_MS, undefined, { ref: false })]);
}
