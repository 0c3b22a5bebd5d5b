import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { freePort } from '../dev/stack/free-port.ts';
import { nodePiece } from '../dev/stack/pieces.ts';
import { closeDb, createDb } from '../src/store/db.ts';
import { putSetting } from '../src/store/settings.ts';
import { NOOP_TASKS } from './noop-tasks.ts';
import { startCounting } from './receiver.ts';
import { type BenchServices, startServices } from './services.ts';
import type { BareActivities } from './workflows/bare.ts';

// Jobs a second of a recipe of four tasks that do nothing: the whole engine with nine callbacks to a local
// receiver, against a bare SDK script that awaits a callback activity each time, and the same script
// without callbacks. One Temporal server, one run, 50 jobs in flight.

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '200' }, rounds: { type: 'string', default: '2' } },
});
const JOBS = Number(values.jobs);
const IN_FLIGHT = 50;
const CALLBACKS = 9;

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** Runs `work` for each job, a number of them at once; jobs a second. */
async function rate(work: (job: number) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < JOBS) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (JOBS * 1000) / (performance.now() - startedAt);
}

async function benchBare(services: BenchServices): Promise<{
  withCallbacks: () => Promise<number>;
  without: () => Promise<number>;
  stop: () => Promise<void>;
}> {
  const receiver = await startCounting();
  const connection = await NativeConnection.connect({ address: services.temporalAddress });
  const client = new Client({
    connection: await Connection.connect({ address: services.temporalAddress }),
  });
  const activities: BareActivities = {
    ...NOOP_TASKS,
    callback: async (body) => {
      await fetch(receiver.url, { method: 'POST', body: JSON.stringify(body) });
    },
    post: async (url, body) => {
      await fetch(url, { method: 'POST', body });
    },
  };
  const worker = await Worker.create({
    connection,
    taskQueue: 'bare',
    workflowsPath: join(import.meta.dirname, 'workflows', 'bare.ts'),
    activities: { ...activities },
  });
  const running = worker.run();
  let round = 0;
  const measure = (workflow: string) => {
    round += 1;
    return rate(async (job) => {
      await client.workflow.execute(workflow, {
        taskQueue: 'bare',
        workflowId: `${workflow}-${round}-${job}`,
        args: [job],
      });
    });
  };
  return {
    withCallbacks: () => measure('bareWithCallbacks'),
    without: () => measure('bare'),
    stop: async () => {
      worker.shutdown();
      await running;
      await connection.close();
      await client.connection.close();
      await receiver.close();
    },
  };
}

/** The engine as it runs: api and worker processes of their own, the receiver here. */
async function benchEngine(
  services: BenchServices,
): Promise<{ measure: () => Promise<number>; stop: () => Promise<void> }> {
  const admin = new pg.Client({ connectionString: `${services.postgresUrl}/postgres` });
  await admin.connect();
  await admin.query('CREATE DATABASE bench');
  await admin.end();
  const databaseUrl = `${services.postgresUrl}/bench`;
  const receiver = await startCounting();
  const port = await freePort(0, 'PORT');
  const variables = {
    EMBEDDED: '1',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: services.temporalAddress,
    DATA_DIR: services.folder,
    PORT: String(port),
    BOOTSTRAP_TENANTS: 'bench:bench-key-1',
    LOG_LEVEL: 'error',
  };
  const start = (name: string, script: string) =>
    nodePiece({ name, script, variables, logFile: join(services.folder, `${name}.log`) }).start();
  const api = await start('api', 'api/main.ts');
  const db = createDb({
    url: databaseUrl,
    poolSize: 2,
    applicationName: 'bench',
    onError: () => undefined,
  });
  await putSetting(db, 1, 'max_jobs', String(IN_FLIGHT));
  await closeDb(db);
  const worker = await start('worker', 'bench/engine-worker.ts');
  const submit = async (job: number): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${port}/job`, {
      method: 'POST',
      headers: {
        client: 'bench',
        'api-key': 'bench-key-1',
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        job: { workflow: 'vodstream' },
        parameters: {
          content_id: `c${job}`,
          source_folder: `s/${job}`,
          rest_endpoints: [receiver.url],
        },
      }),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.body?.cancel();
  };
  return {
    // from the first submission to the last callback received
    measure: async () => {
      const startedAt = performance.now();
      const target = receiver.count() + JOBS * CALLBACKS;
      await Promise.all(Array.from({ length: JOBS }, (_, job) => submit(job)));
      while (receiver.count() < target) await new Promise((resolve) => setTimeout(resolve, 5));
      return (JOBS * 1000) / (performance.now() - startedAt);
    },
    stop: async () => {
      await worker.stop();
      await api.stop();
      await receiver.close();
    },
  };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

const services = await startServices();
const bare = await benchBare(services);
const engine = await benchEngine(services);
const rates: Record<'withCallbacks' | 'without' | 'engine', number[]> = {
  withCallbacks: [],
  without: [],
  engine: [],
};
// one round to warm up, then rounds in turn, so that a slow minute of the machine meets all three
await engine.measure();
for (let round = 0; round < Number(values.rounds); round++) {
  rates.withCallbacks.push(await bare.withCallbacks());
  rates.engine.push(await engine.measure());
  rates.without.push(await bare.without());
}
const [withCallbacks, without, whole] = [
  median(rates.withCallbacks),
  median(rates.without),
  median(rates.engine),
];
console.log(`bare script, awaited callbacks  ${withCallbacks.toFixed(1)} jobs/s`);
console.log(`bare script, no callbacks       ${without.toFixed(1)} jobs/s`);
console.log(`whole engine, 9 callbacks       ${whole.toFixed(1)} jobs/s`);
console.log(`engine / script with callbacks     ${(whole / withCallbacks).toFixed(2)}   (aim 1.5)`);
console.log(`engine / script without callbacks  ${(whole / without).toFixed(2)}   (aim 0.65)`);
await engine.stop();
await bare.stop();
await services.stop();
process.exit(0);
