import { z } from 'zod';
import type { Dashboard } from '../store/dashboard.ts';
import type { FolderWait } from '../domain/folder-queue.ts';
import type { ListedJob } from '../store/job-list.ts';
import { JobJson, toListedJobJson } from './job-json.ts';
import { joinObject } from '../domain/raw-json.ts';

/** The answer to `GET /dashboard` (contract §5). */
export const DashboardJson = z
  .object({
    max_jobs: z.int().describe('Jobs of the client that may run at once'),
    priority_slots: z.int().describe('How many of them are kept for priority jobs'),
    version: z.string(),
    started: z.array(JobJson).describe('100 at most, the one that started first at the top'),
    queued: z.array(JobJson).describe('100 at most, in the order in which they will start'),
    scheduled: z.array(JobJson).describe('100 at most, by run_at'),
  })
  .meta({ id: 'Dashboard' });

/** Jobs of a listing as a JSON array; `waits` says for whom those wait whose folders others use. */
export const toJobListJson = (
  jobs: readonly ListedJob[],
  waits: ReadonlyMap<number, FolderWait>,
): string =>
  `[${jobs.map((job) => toListedJobJson(job, { position: job.position, wait: waits.get(job.id) })).join(',')}]`;

/** {@link DashboardJson} as text. */
export const toDashboardJson = (dashboard: Dashboard, version: string): string =>
  joinObject([
    ['max_jobs', String(dashboard.settings.maxJobs)],
    ['priority_slots', String(dashboard.settings.prioritySlots)],
    ['version', JSON.stringify(version)],
    ['started', toJobListJson(dashboard.started, dashboard.waits)],
    ['queued', toJobListJson(dashboard.queued, dashboard.waits)],
    ['scheduled', toJobListJson(dashboard.scheduled, dashboard.waits)],
  ]);
