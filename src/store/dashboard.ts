import { JOB_STATES } from '../domain/job-state.ts';
import type { Settings } from '../domain/settings.ts';
import type { Db } from './db.ts';
import type { FolderWait } from '../domain/folder-queue.ts';
import { findWaits } from './folder-waits.ts';
import { listJobs, type ListedJob } from './job-list.ts';
import { getTenantSettings } from './settings.ts';

/** What a tenant's queue holds at the moment. */
export interface Dashboard {
  readonly settings: Settings;
  /** The one that started first at the top. */
  readonly started: readonly ListedJob[];
  /** In the order in which they will start. */
  readonly queued: readonly ListedJob[];
  /** By `run_at`, those that wait for a semaphore only at the end. */
  readonly scheduled: readonly ListedJob[];
  /** For whom queued jobs wait whose folders others use, by their ids. */
  readonly waits: ReadonlyMap<number, FolderWait>;
}

/** Jobs that each list has at most. */
export const MOST_LISTED = 100;

/** A tenant's started, queued and scheduled jobs, 100 of each at most, and what its slots are. */
export async function getDashboard(db: Db, tenantId: number): Promise<Dashboard> {
  const list = (state: keyof typeof JOB_STATES, orderBy: 'started_at' | 'position' | 'run_at') =>
    listJobs(db, {
      tenantId,
      state: JOB_STATES[state],
      orderBy,
      isAscending: true,
      limit: MOST_LISTED,
    });
  const [settings, started, queued, scheduled] = await Promise.all([
    getTenantSettings(db, tenantId),
    list('started', 'started_at'),
    list('queued', 'position'),
    list('scheduled', 'run_at'),
  ]);
  const waits = await findWaits(db, tenantId, queued);
  return { settings, started, queued, scheduled, waits };
}
