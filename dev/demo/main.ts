import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, ConfigError, childEnvironment, readConfig } from '../../src/config/config.ts';
import { createProgress } from '../progress.ts';
import { DEMO_TENANT } from '../ready-line.ts';
import { SetupError } from '../setup/error.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { listenForStop, StoppedError, untilAborted } from '../stop-signals.ts';
import { makeClip } from './clip.ts';
import { DemoApi } from './job.ts';
import { startPlayer } from './player.ts';
import type { ReceivedCallback } from './receiver.ts';

const SOURCE = 'clip';
const USAGE = `npm run demo [-- clip.mp4] [-- --keep]

Runs the whole engine in a temporary folder, packages a clip and prints each callback as it arrives.

  clip.mp4   packages this file instead of a made one (20 s, two languages, a subtitle)
  --keep     stays up afterwards, so that the links can be opened, until Ctrl-C`;

const progress = createProgress(process.stdout);

/** The demo's engine is its own: addresses and roots that the environment names are left alone. */
const OWN_ENGINE = {
  PORT: '0',
  TEMPORAL_PORT: '0',
  TEMPORAL_UI_PORT: '0',
  HOST: '',
  DATABASE_URL: '',
  TEMPORAL_ADDRESS: '',
  TEMPORAL_NAMESPACE: '',
  TEMPORAL_UI_URL: '',
  WORK_ROOT: '',
  LOCAL_INPUT_ROOT: '',
  LOCAL_OUTPUT_ROOT: '',
  BOOTSTRAP_TENANTS: '',
};

function printCallback(callback: ReceivedCallback): void {
  const time = callback.time.slice(11, 23);
  const what = callback.task_name ?? 'job';
  const event = callback.event ?? callback.status ?? '';
  progress.line(`  ${time}  ${what.padEnd(18)} ${event.padEnd(10)} ${callback.message}`.trimEnd());
}

async function checkClip(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new SetupError(`${file} is not a file that can be read`);
}

async function prepareSource(config: Config, clip: string | undefined): Promise<void> {
  const folder = join(config.localInputRoot, DEMO_TENANT.name, SOURCE);
  await mkdir(folder, { recursive: true });
  if (clip !== undefined) {
    await progress.slow(`Demo clip: copying ${clip}`, () =>
      copyFile(clip, join(folder, basename(clip))),
    );
    return;
  }
  await progress.slow('Demo clip: making 20 s with two languages and subtitles (about 10 s)', () =>
    makeClip(folder),
  );
}

async function runOn(stack: Stack, config: Config, signal: AbortSignal, isKept: boolean) {
  const { api, temporal } = stack.addresses();
  const demoApi = new DemoApi(api.url, DEMO_TENANT);
  const { id, end } = await demoApi.runJob(
    SOURCE,
    {
      onSubmit: (jobId) =>
        progress.line(`\nJob ${jobId} submitted. Callbacks as they arrive (UTC, task, event):\n`),
      onCallback: printCallback,
    },
    signal,
  );
  const logFile = join(config.dataDir, `job-${id}.log`);
  await writeFile(logFile, await demoApi.readLog(id));
  if (end.status !== 'completed') throw new SetupError(`The job failed: ${end.message}`);

  const output = join(config.localOutputRoot, DEMO_TENANT.name);
  const player = await startPlayer(output);
  try {
    const history = `${temporal.ui}/namespaces/${config.temporalNamespace}/workflows/job-${id}`;
    progress.line(`\nManifest   ${end.message}`);
    progress.line(`Job's log  ${logFile}`);
    progress.line(`History    ${history}`);
    progress.line(`Play it    ${player.pageUrl(relative(output, end.message))}`);
    progress.line(`API        ${api.url}/docs`);
    if (isKept) {
      progress.line('\nUp until Ctrl-C');
      await untilAborted(signal);
    } else {
      progress.line(
        '\nThe manifest, its files and the log stay. The three links need the engine, which stops now;' +
          '\nto open them: npm run demo -- --keep',
      );
    }
  } finally {
    await player.close();
  }
}

/** Removes the engine's state; the published files and the logs stay, or where none are, nothing. */
async function removeState(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name === 'output' || name.endsWith('.log')) continue;
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    progress.line(USAGE);
    return;
  }
  const [clip, surplus] = positionals;
  if (surplus !== undefined) throw new SetupError(`The demo takes one clip; ${surplus} is another`);
  if (clip !== undefined) await checkClip(clip);
  const dataDir = await mkdtemp(join(tmpdir(), 'task-engine-demo-'));
  const config: Config = {
    ...readConfig(childEnvironment({ ...OWN_ENGINE, DATA_DIR: dataDir })),
    bootstrapTenants: [DEMO_TENANT],
  };
  const stopping = listenForStop(() =>
    progress.line('Stopping; press Ctrl-C again to end at once'),
  );
  let isDone = false;
  try {
    const stack = await startStack(config, progress, { isQuiet: true, signal: stopping });
    try {
      await prepareSource(config, clip);
      await runOn(stack, config, stopping, values.keep === true);
      isDone = true;
    } finally {
      await stack.stop();
    }
  } catch (error) {
    // a terminal's Ctrl-C also reaches the programs that were at work, whose failure is no news then
    throw stopping.aborted ? new StoppedError() : error;
  } finally {
    await removeState(dataDir);
    if (stopping.aborted && !isDone) await rm(dataDir, { recursive: true, force: true });
    else progress.line(`${isDone ? 'Kept' : 'Logs'}: ${dataDir}`);
  }
}

try {
  await run();
} catch (error) {
  const isExpected =
    error instanceof SetupError ||
    error instanceof ConfigError ||
    error instanceof StoppedError ||
    String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
  const { message, stack } = error as Error;
  progress.line(isExpected ? `Demo: ${message}` : String(stack));
  process.exitCode = 1;
}
process.exit();
