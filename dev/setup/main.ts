import { ConfigError, readConfig } from '../../src/config/config.ts';
import { createProgress } from '../progress.ts';
import { SetupError } from './error.ts';
import { ensureFfmpeg, ensurePackager } from './ffmpeg.ts';
import { ensurePostgres } from './postgres.ts';
import { ensureTemporal } from './temporal.ts';

const progress = createProgress(process.stdout);

try {
  const config = readConfig();
  await ensureFfmpeg(config, progress);
  await ensurePackager(progress);
  if (config.databaseUrl === undefined) await ensurePostgres(progress);
  if (config.temporalAddress === undefined) await ensureTemporal(config, progress);
  progress.line('Everything that npm start and npm run demo need is here.');
} catch (error) {
  if (!(error instanceof SetupError || error instanceof ConfigError)) throw error;
  progress.line(`Set-up: ${error.message}`);
  process.exitCode = 1;
}
