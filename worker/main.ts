import { readConfig } from '../src/config/config.ts';
import { createLogger } from '../src/log/logger.ts';
import { startWorkerEngine } from './engine.ts';
import { parseQueues } from './queues.ts';
import { runUntilSignal } from '../src/process/run-until-signal.ts';
import { installTemporalLog } from './temporal-log.ts';

const config = readConfig();
const log = createLogger({ name: 'worker', level: config.logLevel, format: config.logFormat });
const queues = parseQueues(process.argv.slice(2));
if (config.databaseUrl === undefined || config.temporalAddress === undefined) {
  throw new Error(
    'A worker needs DATABASE_URL and TEMPORAL_ADDRESS; npm start runs everything itself',
  );
}
installTemporalLog(log);
const { databaseUrl, temporalAddress } = config;

await runUntilSignal(log, async (signal) => {
  const engine = await startWorkerEngine({
    ...config,
    databaseUrl,
    temporalAddress,
    queues,
    log,
    signal,
  });
  log.info({ queues, pid: process.pid }, 'worker is ready');
  process.send?.({ type: 'ready' });
  return engine;
});
