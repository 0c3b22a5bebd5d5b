import { NativeConnection } from '@temporalio/worker';
import { PARALLEL_POLLS } from '../activities/schedule/queue-scheduled-jobs.ts';
import type { Logger } from '../src/log/logger.ts';
import type { TaskQueueName } from '../src/temporal/names.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { registerSchedules, registerSearchAttributes } from '../src/temporal/register.ts';
import { createEgress } from '../src/egress/egress.ts';
import { createProbe } from '../src/egress/probe.ts';
import { listUnverifiedTenants } from '../src/store/callback-settings.ts';
import { closeDb, createDb, pingDb } from '../src/store/db.ts';
import { CHANNELS, listen, parseEndpointIds } from '../src/store/listen.ts';
import { pendingMigrations } from '../src/store/migrate.ts';
import { createWorkSignal } from '../src/store/work-signal.ts';
import { createActivities } from './activities.ts';
import { untilItWorks } from '../src/process/until-it-works.ts';
import { createScratch } from './scratch.ts';
import { startStatusReports } from './status.ts';
import { createWorkers } from './workers.ts';

/** What a worker process is made with. */
export interface WorkerEngineOptions {
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly queues: readonly TaskQueueName[];
  readonly workRoot: string;
  /** See `Config`; undefined limits nothing, or is the default. */
  readonly scratchJobLimitBytes?: number | undefined;
  readonly scratchHostLimitBytes?: number | undefined;
  readonly scratchReserveBytes?: number | undefined;
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly retryWaitsSeconds?: readonly number[];
  /** Keys that open what is kept sealed. Default none. */
  readonly secretsKeys?: readonly Buffer[];
  readonly log: Logger;
  /** Aborts a start that waits for Postgres or Temporal. */
  readonly signal?: AbortSignal;
}

/** A running worker process. */
export interface WorkerEngine {
  /** Resolves when the workers have stopped, rejects when one of them failed. */
  readonly ended: Promise<void>;
  /** Stops taking work, gives running tasks a moment, cancels the rest. */
  readonly stop: () => Promise<void>;
}

/** Starts workers as soon as Postgres and Temporal are there, however long that takes. */
export async function startWorkerEngine(options: WorkerEngineOptions): Promise<WorkerEngine> {
  const { log } = options;
  const db = createDb({
    url: options.databaseUrl,
    poolSize: options.databasePoolSize,
    applicationName: 'task-engine-worker',
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const temporal = createTemporalClient({
    address: options.temporalAddress,
    namespace: options.temporalNamespace,
  });
  const wait = <Result>(what: string, work: () => Promise<Result>): Promise<Result> =>
    untilItWorks(what, work, {
      log,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });

  await wait('Postgres', () => pingDb(db));
  await wait('the database schema (the api brings it up to date)', async () => {
    const pending = await pendingMigrations(db);
    if (pending.length > 0) throw new Error(`migrations pending: ${pending.join(', ')}`);
  });
  const unverified = await listUnverifiedTenants(db);
  if (unverified.length > 0) {
    log.warn({ tenants: unverified }, 'receivers of these tenants may show any certificate');
  }
  const connection = await wait('Temporal', () =>
    NativeConnection.connect({ address: options.temporalAddress }),
  );
  await wait('Temporal search attributes and schedules', async () => {
    await registerSearchAttributes(temporal.client, options.temporalNamespace);
    await registerSchedules({ db, client: temporal.client });
  });

  const egress = createEgress();
  const probe = createProbe({ parallel: PARALLEL_POLLS });
  const deliveries = createWorkSignal();
  const listener = listen({
    url: options.databaseUrl,
    channels: [CHANNELS.deliveries],
    onNotify: (_channel, payload) => deliveries.wake(parseEndpointIds(payload)),
  });
  const scratch = createScratch({
    db,
    log,
    workRoot: options.workRoot,
    limits: {
      jobBytes: options.scratchJobLimitBytes,
      hostBytes: options.scratchHostLimitBytes,
      reserveBytes: options.scratchReserveBytes,
    },
  });
  const workers = await createWorkers({
    connection,
    namespace: options.temporalNamespace,
    queues: options.queues,
    activities: createActivities({ ...options, db, temporal, egress, probe, deliveries, scratch }),
  });

  const stopWorkers = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const running = Promise.all(workers.map((worker) => worker.run())).finally(stopWorkers);
  const ended = running.then(() => undefined);
  ended.catch(() => undefined);
  const reports = startStatusReports({ db, log, workers });
  // others have no tasks that write there, and may not even have the disk
  const isWriting = options.queues.includes('work') || options.queues.includes('capture');
  const stopScratch = isWriting ? scratch.start() : () => Promise.resolve();
  return {
    ended,
    stop: async () => {
      stopWorkers();
      await ended.catch((error: unknown) => log.error({ err: error }, 'a worker ended badly'));
      await stopScratch();
      await reports.stop();
      await listener.close();
      await egress.close();
      await probe.close();
      await connection.close();
      await temporal.close();
      await closeDb(db);
    },
  };
}
