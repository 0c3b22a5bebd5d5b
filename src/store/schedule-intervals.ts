import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { settingsFrom } from '../domain/settings.ts';
import type { Db } from './db.ts';

/** How often the scheduled jobs of tenants are looked at, seconds. */
export interface ScheduleIntervals {
  /** For tenants without a setting of their own. */
  readonly systemSeconds: number;
  /** By tenant id. */
  readonly tenantSeconds: ReadonlyMap<number, number>;
}

/** Every `schedule_interval` that is set, the system's included. */
export async function getScheduleIntervals(db: Db): Promise<ScheduleIntervals> {
  const { rows } = await sql<{ tenant_id: number | null; setting: string }>`
    SELECT tenant_id, setting FROM settings WHERE name = 'schedule_interval'
    UNION ALL SELECT NULL, setting FROM system_settings WHERE name = 'schedule_interval'`.execute(
    db,
  );
  const secondsOf = (setting?: string): number =>
    settingsFrom(setting === undefined ? {} : { schedule_interval: setting })
      .scheduleIntervalSeconds;
  const tenantSeconds = new Map<number, number>();
  let systemSeconds = secondsOf();
  for (const { tenant_id: tenantId, setting } of rows) {
    if (tenantId === null) systemSeconds = secondsOf(setting);
    else tenantSeconds.set(tenantId, secondsOf(setting));
  }
  return { systemSeconds, tenantSeconds };
}

/** Whether a tenant without a `schedule_interval` of its own has a scheduled job. */
async function hasJobsOfSystemInterval(db: Db): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    SELECT EXISTS (
      SELECT FROM tenants
      WHERE NOT EXISTS (SELECT FROM settings
                        WHERE tenant_id = tenants.id AND name = 'schedule_interval')
        AND EXISTS (SELECT FROM jobs
                    WHERE tenant_id = tenants.id AND queue_state = ${JOB_STATES.scheduled})
    ) AS found`.execute(db);
  return rows[0]?.found === true;
}

/**
 * How often anybody's scheduled jobs have to be looked at, seconds: the smallest interval of the tenants
 * that have set one or have scheduled jobs; the system's where there are none.
 */
export async function getShortestScheduleInterval(db: Db): Promise<number> {
  const { systemSeconds, tenantSeconds } = await getScheduleIntervals(db);
  const own = [...tenantSeconds.values()];
  const isSystemWanted = own.length === 0 || (await hasJobsOfSystemInterval(db));
  return Math.min(...own, ...(isSystemWanted ? [systemSeconds] : []));
}
