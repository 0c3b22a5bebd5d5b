import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { DrainResult } from '../../../activities/callbacks/contract.ts';
import { drainEndpoint } from '../../../activities/callbacks/drain-endpoint.ts';
import type { Egress } from '../../../src/egress/egress.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { createSecretBox, type SecretBox } from '../../../src/secrets/secret-box.ts';
import type { Db } from '../../../src/store/db.ts';
import {
  insertJobEndEvent,
  insertTaskEvents,
  type NewTaskEvent,
} from '../../../src/store/events.ts';
import { insertJob } from '../../../src/store/jobs.ts';
import { buildTaskEvent } from '../../../src/store/task-event.ts';
import { insertTenant } from '../../../src/store/tenants.ts';

/** A tenant whose URLs may lead to loopback. */
export async function addTenant(db: Db, allowedNetworks = ['127.0.0.0/8']): Promise<number> {
  const tenant = await insertTenant(db, {
    name: `t${Math.random().toString(36).slice(2)}`,
    inputRoot: null,
    outputRoot: null,
    sourceStorage: 'local',
    destinationStorage: null,
    allowedNetworks,
  });
  if (tenant === undefined) throw new Error('the tenant exists already');
  return tenant.id;
}

/** A job whose callbacks go to `urls`; it has told nothing yet. */
export async function addJob(db: Db, tenantId: number, urls: readonly string[]): Promise<number> {
  return insertJob(db, {
    tenantId,
    workflow: 'vodstream',
    contentId: 'c',
    priority: 5,
    state: 'queued',
    parameters: '{}',
    customData: null,
    runAt: null,
    semaphoreUrl: null,
    isPersistent: false,
    searchText: '',
    notes: [],
    callbackUrls: urls.map((url) => ({ url, origin: new URL(url).origin })),
  });
}

/** An event of a task; by default its start. */
export function taskEvent(
  jobId: number,
  taskNumber: number,
  event: 'start' | 'complete' = 'start',
): NewTaskEvent {
  const identity = { id: jobId, tenant: 't', workflow: 'vodstream', contentId: 'c', shape: null };
  const timeMs = Date.now();
  return buildTaskEvent(identity, { taskNumber, taskName: 'package', event, message: '', timeMs });
}

/** Tells start and end of tasks 1…`tasks` of a job, then the job's end. */
export async function tellJob(db: Db, jobId: number, tasks: number): Promise<void> {
  for (let number = 1; number <= tasks; number++) {
    for (const event of ['start', 'complete'] as const) {
      await insertTaskEvents(db, jobId, [taskEvent(jobId, number, event)]);
    }
  }
  await insertJobEndEvent(db, jobId, JSON.stringify({ job_id: jobId, status: 'completed' }));
}

/** The endpoints of a tenant, in the order they came to be. */
export async function endpointIds(db: Db, tenantId: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM endpoints WHERE tenant_id = ${tenantId} ORDER BY id`.execute(db);
  return rows.map((row) => row.id);
}

/** One drain of an endpoint, as the activity runs it. */
export function drain(
  deps: {
    readonly db: Db;
    readonly egress: Egress;
    readonly retryWaitsSeconds: readonly number[];
    /** Default one without keys. */
    readonly secrets?: SecretBox;
  },
  endpointId: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<DrainResult> {
  const log = createLogger({ name: 'test', level: 'silent', format: 'json' });
  return drainEndpoint(
    {
      secrets: createSecretBox([]),
      ...deps,
      log,
      lingerMs: 400,
      watch: () => ({
        look: () => undefined,
        wait: (timeoutMs) => delay(Math.min(timeoutMs, 50)),
        close: () => undefined,
      }),
    },
    { endpointId, tenant: 't', origin: 'o' },
    { signal, heartbeat: () => undefined },
  );
}

/** How many deliveries of a tenant are in each state. */
export async function countStates(
  db: Db,
  tenantId: number,
): Promise<Readonly<Record<string, number>>> {
  const { rows } = await sql<{ state: string; count: number }>`
    SELECT state, count(*) AS count
    FROM deliveries JOIN streams s ON s.id = stream_id JOIN endpoints e ON e.id = endpoint_id
    WHERE tenant_id = ${tenantId} GROUP BY state`.execute(db);
  return Object.fromEntries(rows.map((row) => [row.state, row.count]));
}
