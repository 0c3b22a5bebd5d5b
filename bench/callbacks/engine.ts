import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { nodePiece } from '../../dev/stack/pieces.ts';
import { closeDb, createDb, type Db } from '../../src/store/db.ts';
import { migrate } from '../../src/store/migrate.ts';
import { type BenchServices, createBenchDatabase } from '../services.ts';

/** The engine's part that delivers, over a database and a Temporal namespace of its own. */
export interface CallbackEngine {
  readonly db: Db;
  readonly client: Client;
  /** Starts the dispatcher and a worker for deliveries, each as a process. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Events of all delivery workflows so far. */
  readonly countHistory: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Registers a namespace and waits until it can be used. */
async function createNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (24 * 3600) as never },
  });
  const client = new Client({ connection, namespace });
  for (let tries = 0; ; tries++) {
    try {
      await client.workflow.count();
      return;
    } catch (error) {
      if (tries > 150) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Makes a {@link CallbackEngine}; `name` is that of its database and namespace. */
export async function createCallbackEngine(
  services: BenchServices,
  name: string,
): Promise<CallbackEngine> {
  const databaseUrl = await createBenchDatabase(services, `callbacks_${name}`);
  const db = createDb({
    url: databaseUrl,
    poolSize: 20,
    applicationName: 'bench',
    onError: () => undefined,
  });
  await migrate(db);
  const connection = await Connection.connect({ address: services.temporalAddress });
  await createNamespace(connection, name);
  const client = new Client({ connection, namespace: name });
  const variables = {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: services.temporalAddress,
    TEMPORAL_NAMESPACE: name,
    DATA_DIR: services.folder,
    LOG_LEVEL: 'error',
  };
  const piece = (script: string, args: readonly string[]) =>
    nodePiece({
      name: script,
      script,
      args,
      variables,
      logFile: join(services.folder, `${name}.log`),
    });
  let running: readonly { readonly stop: () => Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()));
    running = [];
  };
  return {
    db,
    client,
    start: async () => {
      const worker = piece('worker/main.ts', ['--queues', 'controller,callback']);
      running = [await worker.start(), await piece('worker/dispatcher-main.ts', []).start()];
    },
    stop,
    countHistory: async () => {
      let events = 0;
      const query = "WorkflowType = 'deliverEndpoint'";
      for await (const { workflowId, runId } of client.workflow.list({ query })) {
        events += (await client.workflow.getHandle(workflowId, runId).describe()).historyLength;
      }
      return events;
    },
    close: async () => {
      await stop();
      await connection.close();
      await closeDb(db);
    },
  };
}
