import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, ConfigError, describeEnvironment, readConfig } from '../src/config/config.ts';
import { createProgress } from './progress.ts';
import { buildReadyLine, DEMO_TENANT } from './ready-line.ts';
import { SetupError } from './setup/error.ts';
import { startStack } from './stack/stack.ts';
import { listenForStop, StoppedError, untilAborted } from './stop-signals.ts';

const progress = createProgress(process.stdout);
const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost'];

function printHelp(): void {
  progress.line('npm start — the whole Task Engine on this machine, until Ctrl-C\n');
  progress.line('Environment, all of it optional; an empty value counts as none:\n');
  for (const { name, description, fallback } of describeEnvironment()) {
    const head = `  ${name}${fallback === undefined ? '' : ` (${fallback})`}`;
    progress.line(`${head}\n      ${description}`);
  }
  progress.line(`
BOOTSTRAP_TENANTS that is not set makes one client for a first look: ${DEMO_TENANT.name}, api-key ${DEMO_TENANT.apiKey}.
The addresses are kept in <DATA_DIR>/stack.json while the engine is up.`);
}

function withDemoTenant(config: Config): Config {
  if (config.bootstrapTenants.length > 0) return config;
  if (!LOOPBACK_HOSTS.includes(config.host)) {
    throw new SetupError(
      `HOST=${config.host} opens the API to others, and the key of the tenant ${DEMO_TENANT.name} is known to everybody. ` +
        'Name your own in BOOTSTRAP_TENANTS (name:key)',
    );
  }
  return { ...config, bootstrapTenants: [DEMO_TENANT] };
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    printHelp();
    return;
  }
  const config = withDemoTenant(readConfig());
  const stopping = listenForStop(() =>
    progress.line('Stopping; press Ctrl-C again to end at once'),
  );
  const stack = await startStack(config, progress, { isQuiet: false, signal: stopping }).catch(
    (error: unknown) => {
      // a terminal's Ctrl-C also reaches the set-up's programs, whose failure is no news then
      throw stopping.aborted ? new StoppedError() : error;
    },
  );
  progress.line(`\n${buildReadyLine(stack.addresses(), config.bootstrapTenants)}`);
  for (const { name } of config.bootstrapTenants) {
    const [input, output] = [config.localInputRoot, config.localOutputRoot];
    progress.line(
      `Files of ${name}: sources in ${join(input, name)}, results in ${join(output, name)}`,
    );
  }
  progress.line('');
  await untilAborted(stopping);
  await stack.stop();
  progress.line('Stopped');
}

try {
  await run();
} catch (error) {
  if (!(error instanceof StoppedError)) {
    const isExpected =
      error instanceof SetupError || error instanceof ConfigError || isUsageError(error);
    const { message, stack } = error as Error;
    progress.line(isExpected ? `Cannot start: ${message}` : String(stack));
    process.exitCode = 1;
  }
}
process.exit();

function isUsageError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}
