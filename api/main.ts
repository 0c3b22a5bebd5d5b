import { readConfig } from '../src/config/config.ts';
import { createLogger } from '../src/log/logger.ts';
import { runUntilSignal } from '../src/process/run-until-signal.ts';
import { startApiServer } from './server.ts';

const config = readConfig();
const log = createLogger({ name: 'api', level: config.logLevel, format: config.logFormat });
if (config.databaseUrl === undefined || config.temporalAddress === undefined) {
  throw new Error(
    'The api needs DATABASE_URL and TEMPORAL_ADDRESS; npm start runs everything itself',
  );
}
const { databaseUrl, temporalAddress } = config;

await runUntilSignal(log, async (signal) => {
  const api = await startApiServer({ ...config, databaseUrl, temporalAddress, log, signal });
  log.info({ url: api.url, pid: process.pid }, 'api is ready');
  process.send?.({ type: 'ready', url: api.url });
  return api;
});
