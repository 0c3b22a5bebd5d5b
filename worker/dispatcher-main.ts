import { readConfig } from '../src/config/config.ts';
import { createLogger } from '../src/log/logger.ts';
import { runUntilSignal } from '../src/process/run-until-signal.ts';
import { closeDb, createDb } from '../src/store/db.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { createDispatcher } from '../src/temporal/dispatcher.ts';

// A dispatcher on its own: more of them, or one that outlives the api's restarts. Every api has one.
const config = readConfig();
const log = createLogger({ name: 'dispatcher', level: config.logLevel, format: config.logFormat });
if (config.databaseUrl === undefined || config.temporalAddress === undefined) {
  throw new Error('A dispatcher needs DATABASE_URL and TEMPORAL_ADDRESS');
}
const { databaseUrl, temporalAddress } = config;

await runUntilSignal(log, () => {
  const db = createDb({
    url: databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: 'task-engine-dispatcher',
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const temporal = createTemporalClient({
    address: temporalAddress,
    namespace: config.temporalNamespace,
  });
  const dispatcher = createDispatcher({ db, databaseUrl, temporal, log });
  dispatcher.start();
  log.info({ pid: process.pid }, 'dispatcher is ready');
  process.send?.({ type: 'ready' });
  return Promise.resolve({
    ended: new Promise<void>(() => undefined),
    stop: async () => {
      await dispatcher.stop();
      await temporal.close();
      await closeDb(db);
    },
  });
});
