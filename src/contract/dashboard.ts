import { z } from 'zod';
import type { Dashboard } from '../store/dashboard.ts';
import type { ListedJob } from '../store/job-list.ts';
import { JobJson, toJobJson } from './job-json.ts';
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

const jsonList = (jobs: readonly ListedJob[]): string =>
  `[${jobs.map((job) => toJobJson(job, job.position)).join(',')}]`;

/** {@link DashboardJson} as text. */
export const toDashboardJson = (dashboard: Dashboard, version: string): string =>
  joinObject([
    ['max_jobs', String(dashboard.settings.maxJobs)],
    ['priority_slots', String(dashboard.settings.prioritySlots)],
    ['version', JSON.stringify(version)],
    ['started', jsonList(dashboard.started)],
    ['queued', jsonList(dashboard.queued)],
    ['scheduled', jsonList(dashboard.scheduled)],
  ]);
