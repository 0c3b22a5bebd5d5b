import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { buildJobCallback } from '../../src/domain/callback.ts';
import type { Db } from '../../src/store/db.ts';
import { insertJobEndEvent, insertTaskEvents } from '../../src/store/events.ts';
import { insertJobs } from '../../src/store/jobs.ts';
import { buildTaskEvent } from '../../src/store/task-event.ts';
import { insertTenant } from '../../src/store/tenants.ts';

/** Tasks of a job, each with a start and an end. */
export const TASKS = ['fetch_source', 'inspect_source', 'package', 'publish'] as const;

/** Callbacks of a job to one URL. */
export const EVENTS_PER_JOB = TASKS.length * 2 + 1;

/** A tenant whose URLs may lead to loopback. */
export async function addTenant(db: Db, name: string): Promise<number> {
  const tenant = await insertTenant(db, {
    name,
    inputRoot: null,
    outputRoot: null,
    sourceStorage: 'local',
    destinationStorage: null,
    allowedNetworks: ['127.0.0.0/8'],
  });
  if (tenant === undefined) throw new Error(`${name} exists already`);
  return tenant.id;
}

/** `count` jobs that have told nothing yet, their callbacks spread evenly over the URLs. */
export async function addJobs(
  db: Db,
  tenantId: number,
  urls: readonly string[],
  count: number,
): Promise<readonly number[]> {
  const ids: number[] = [];
  for (let first = 0; first < count; first += 100) {
    const jobs = Array.from({ length: Math.min(100, count - first) }, (_, at) => {
      const url = urls[(first + at) % urls.length] ?? '';
      return {
        tenantId,
        workflow: 'vodstream',
        contentId: 'movie',
        priority: 5,
        state: 'queued' as const,
        parameters: '{}',
        customData: null,
        runAt: null,
        semaphoreUrl: null,
        isPersistent: false,
        searchText: '',
        notes: [],
        callbackUrls: [{ url, origin: new URL(url).origin }],
      };
    });
    ids.push(...(await insertJobs(db, jobs)));
  }
  return ids;
}

/** Deletes a tenant's jobs with all that is pending of them. */
export async function forgetJobs(db: Db, tenantId: number): Promise<void> {
  await sql`DELETE FROM jobs WHERE tenant_id = ${tenantId}`.execute(db);
}

async function tellJob(db: Db, jobId: number, pauseMs: number): Promise<void> {
  const job = {
    id: jobId,
    tenant: 'bench',
    workflow: 'vodstream',
    contentId: 'movie',
    shape: null,
  };
  for (const [at, taskName] of TASKS.entries()) {
    for (const event of ['start', 'complete'] as const) {
      const given = { taskNumber: at + 1, taskName, event, message: '', timeMs: Date.now() };
      await insertTaskEvents(db, jobId, [buildTaskEvent(job, given)]);
      if (pauseMs > 0) await delay(pauseMs);
    }
  }
  const end = { ...job, jobId, isFailed: false, customData: null, message: '', timeMs: Date.now() };
  await insertJobEndEvent(db, jobId, buildJobCallback(end));
}

/** Tells all events of the jobs, `lanes` jobs at a time, each with `pauseMs` between two events. */
export async function tellJobs(
  db: Db,
  jobIds: readonly number[],
  lanes: number,
  pauseMs = 0,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const jobId = jobIds[next++];
      if (jobId === undefined) return;
      await tellJob(db, jobId, pauseMs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
