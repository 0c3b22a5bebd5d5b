import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createJournal } from '../../../activities/journal/journal.ts';
import { createReconcile } from '../../../activities/reconcile/reconcile.ts';
import { queueScheduledJobs } from '../../../activities/schedule/queue-scheduled-jobs.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { closeDb, createDb, type Db } from '../../../src/store/db.ts';
import { insertJobs } from '../../../src/store/jobs.ts';
import { putSetting } from '../../../src/store/settings.ts';
import { createTemporalClient } from '../../../src/temporal/client.ts';
import { describeJobExecution } from '../../../src/temporal/describe-execution.ts';
import { createDispatcher } from '../../../src/temporal/dispatcher.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { until } from '../../helpers/engine.ts';
import { createTestNamespace } from '../../helpers/namespace.ts';
import { addTenant } from '../../helpers/tenant.ts';

const JOBS = 1000;
const SILENT = createLogger({ name: 'race', level: 'silent', format: 'json' });

let database: TestDatabase;
let namespace: string;

beforeAll(async () => {
  database = await createTestDatabase();
  namespace = await createTestNamespace();
});

afterAll(() => database.drop());

/** A scheduled job whose time has come, and a slot for each. */
async function fill(db: Db): Promise<void> {
  const tenantId = await addTenant(db);
  await putSetting(db, tenantId, 'max_jobs', String(JOBS));
  await insertJobs(
    db,
    Array.from({ length: JOBS }, (_, at) => ({
      tenantId,
      workflow: 'vodstream',
      contentId: `c${at}`,
      priority: 1 + (at % 10),
      state: 'queued' as const,
      parameters: JSON.stringify({ content_id: `c${at}`, source_folder: 's' }),
      customData: null,
      runAt: null,
      semaphoreUrl: null,
      isPersistent: false,
      searchText: `c${at}`,
      callbackUrls: [],
      notes: [],
    })),
  );
  await sql`UPDATE jobs SET queue_state = 5, run_at = now() - interval '1 minute'`.execute(db);
}

/** A process of the engine that queues, admits, starts and reconciles, with connections of its own. */
function startController() {
  const db = createDb({
    url: database.url,
    poolSize: 5,
    applicationName: 'race',
    onError: () => undefined,
  });
  const temporal = createTemporalClient({
    address: inject('services').temporalAddress,
    namespace,
  });
  const dispatcher = createDispatcher({ db, databaseUrl: database.url, temporal, log: SILENT });
  const reconcile = createReconcile({
    db,
    journal: createJournal({ db }),
    log: SILENT,
    describeExecution: (jobId) => describeJobExecution(temporal, jobId),
  });
  const pass = { signal: new AbortController().signal, heartbeat: () => undefined };
  const nobody = () => Promise.reject(new Error('no job here has a semaphore'));
  const probe = { getStatus: nobody, close: nobody };
  return {
    start: async (): Promise<void> => {
      dispatcher.start();
      await queueScheduledJobs({ db, log: SILENT, probe }, pass);
    },
    reconcile: () => reconcile(() => undefined),
    stop: async (): Promise<void> => {
      await dispatcher.stop();
      await temporal.close();
      await closeDb(db);
    },
  };
}

test('of a thousand jobs that two controllers and two schedulers race for, each is started once', async () => {
  await fill(database.db);
  const controllers = [startController(), startController()];
  try {
    await Promise.all(controllers.map((one) => one.start()));
    await until(
      async () => {
        // claims lapse while they are worked on, and started jobs are looked at as if they were old
        await sql`UPDATE outbox SET due_at = now() WHERE random() < 0.1`.execute(database.db);
        await sql`UPDATE jobs SET dispatched_at = dispatched_at - interval '1 minute'
                  WHERE dispatched_at > now() - interval '10 seconds'`.execute(database.db);
        await Promise.all(controllers.map((one) => one.reconcile()));
        const { rows } = await sql`
          SELECT 1 AS one FROM outbox
          UNION ALL SELECT 1 FROM jobs WHERE queue_state <> 1 OR dispatched_at IS NULL LIMIT 1`.execute(
          database.db,
        );
        return rows.length === 0 || undefined;
      },
      100,
      'all jobs to be started',
    );
  } finally {
    await Promise.all(controllers.map((one) => one.stop()));
  }
  const connection = await Connection.connect({ address: inject('services').temporalAddress });
  try {
    const { workflow } = new Client({ connection, namespace });
    const started: string[] = [];
    for await (const one of workflow.list()) started.push(one.workflowId);
    const { rows } = await sql<{ id: number }>`SELECT id FROM jobs`.execute(database.db);
    expect(started.sort()).toEqual(rows.map((row) => `job-${row.id}`).sort());
    expect(started).toHaveLength(JOBS);
  } finally {
    await connection.close();
  }
}, 120_000);
