import { join } from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { runTask } from '../activities/run-task.ts';
import { readConfig } from '../src/config/config.ts';
import { createEgress } from '../src/egress/egress.ts';
import { createProbe } from '../src/egress/probe.ts';
import { createLogger } from '../src/log/logger.ts';
import { createDb } from '../src/store/db.ts';
import { CHANNELS, listen, parseEndpointIds } from '../src/store/listen.ts';
import { createWorkSignal } from '../src/store/work-signal.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';
import { registerSearchAttributes } from '../src/temporal/register.ts';
import { createActivities } from '../worker/activities.ts';
import { createScratch } from '../worker/scratch.ts';
import { NOOP_TASKS } from './noop-tasks.ts';

// The engine's worker process with a recipe of four tasks that do nothing in place of `vodstream`.

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { databaseUrl = '', temporalAddress: address = '', workRoot } = readConfig();
const log = createLogger({ name: 'bench', level: 'error', format: 'json' });
const db = createDb({
  url: databaseUrl,
  poolSize: 20,
  applicationName: 'bench',
  onError: () => undefined,
});
const temporal = createTemporalClient({ address, namespace: 'default' });
await registerSearchAttributes(temporal.client, 'default');
const deliveries = createWorkSignal();
listen({
  url: databaseUrl,
  channels: [CHANNELS.deliveries],
  onNotify: (_channel, payload) => deliveries.wake(parseEndpointIds(payload)),
});
const limits = { jobBytes: undefined, hostBytes: undefined, reserveBytes: undefined };
const scratch = createScratch({ db, log, workRoot, limits });
const activities = createActivities({
  db,
  log,
  temporal,
  egress: createEgress(),
  probe: createProbe({ parallel: 1 }),
  deliveries,
  workRoot,
  scratch,
  localInputRoot: workRoot,
  localOutputRoot: workRoot,
});
const root = join(import.meta.dirname, '..');
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: join(root, 'bench', 'workflows', 'engine.ts'),
  workflowInterceptorModules: [join(root, 'workflows', 'interceptors', 'callbacks.ts')],
  logger: new DefaultLogger('ERROR'),
});
const connection = await NativeConnection.connect({ address });
const tasks = Object.fromEntries(
  Object.entries(NOOP_TASKS).map(([name, code]) => [
    name,
    runTask({ db, log, watch: scratch.watch }, (_task, input: { readonly jobId: number }) =>
      code(input),
    ),
  ]),
);
const workers = await Promise.all([
  Worker.create({
    connection,
    taskQueue: TASK_QUEUES.controller,
    workflowBundle,
    activities: { ...activities.journal },
  }),
  Worker.create({ connection, taskQueue: TASK_QUEUES.work, activities: tasks }),
  Worker.create({
    connection,
    taskQueue: TASK_QUEUES.callback,
    activities: { ...activities.callbacks },
  }),
]);
process.once('SIGTERM', () => process.exit(0));
process.send?.({ type: 'ready' });
await Promise.all(workers.map((worker) => worker.run()));
