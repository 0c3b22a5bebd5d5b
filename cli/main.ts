import { ConfigError, readConfig } from '../src/config/config.ts';
import { readSecret } from './read-secret.ts';
import { runCli } from './run.ts';

const streams = {
  out: (text: string) => process.stdout.write(`${text}\n`),
  err: (text: string) => process.stderr.write(`${text}\n`),
  readSecret,
};

try {
  process.exitCode = await runCli(process.argv.slice(2), streams, readConfig());
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  streams.err(error.message);
  process.exitCode = 1;
}
