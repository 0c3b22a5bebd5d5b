import { parseArgs } from 'node:util';
import { type Config, ConfigError, describeEnvironment, readConfig } from '../src/config/config.ts';
import { LockHeldError } from './lock-file.ts';
import { createProgress } from './progress.ts';
import { SetupError } from './setup/error.ts';
import { startStack } from './stack/stack.ts';

const progress = createProgress(process.stdout);

/** The tenant of a first look; anything else is named in BOOTSTRAP_TENANTS. */
const DEMO_TENANT = { name: 'demo', apiKey: 'demo-key-1' };

function printHelp(): void {
  progress.line('npm start — the whole Task Engine on this machine, until Ctrl-C\n');
  progress.line('Environment, all of it optional:\n');
  for (const { name, description, fallback } of describeEnvironment()) {
    if (description === '') continue;
    progress.line(
      `  ${name}${fallback === undefined ? '' : ` (${fallback})`}\n      ${description}`,
    );
  }
}

function withDemoTenant(config: Config): Config {
  return config.bootstrapTenants.length > 0
    ? config
    : { ...config, bootstrapTenants: [DEMO_TENANT] };
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    printHelp();
    return;
  }
  const config = withDemoTenant(readConfig());
  const stack = await startStack(config, progress, { isQuiet: false });
  const { api, temporal, postgres } = stack.addresses();
  const tenants = config.bootstrapTenants.map((one) => one.name).join(', ');
  progress.line(
    `\nReady: api ${api.url} · reference ${api.url}/docs · Temporal UI ${temporal.ui} · ` +
      `Temporal ${temporal.address} · Postgres ${postgres.url} · client${config.bootstrapTenants.length > 1 ? 's' : ''} ${tenants}` +
      `${config.bootstrapTenants[0] === DEMO_TENANT ? ` (api-key ${DEMO_TENANT.apiKey})` : ''}\n`,
  );
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      progress.line('Stopping; press Ctrl-C again to force it');
      void stack.stop().then(() => process.exit(0));
    });
  }
}

try {
  await run();
} catch (error) {
  const isExpected =
    error instanceof SetupError || error instanceof ConfigError || error instanceof LockHeldError;
  progress.line(isExpected ? `Cannot start: ${error.message}` : String((error as Error).stack));
  process.exitCode = 1;
}
