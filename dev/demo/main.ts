import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, childEnvironment, readConfig } from '../../src/config/config.ts';
import { createProgress } from '../progress.ts';
import { SetupError } from '../setup/error.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { makeClip } from './clip.ts';
import { startPlayer } from './player.ts';
import { type ReceivedCallback, startReceiver } from './receiver.ts';

const TENANT = { name: 'demo', apiKey: 'demo-key-1' };
const JOB_LIMIT_MS = 30 * 60 * 1000;
const progress = createProgress(process.stdout);

function printCallback(callback: ReceivedCallback): void {
  const time = callback.time.slice(11, 23);
  const what = callback.task_name ?? 'job';
  const event = callback.event ?? callback.status ?? '';
  progress.line(`  ${time}  ${what.padEnd(18)} ${event.padEnd(10)} ${callback.message}`);
}

async function submit(apiUrl: string, callbackUrl: string): Promise<number> {
  const response = await fetch(`${apiUrl}/job`, {
    method: 'POST',
    headers: { client: TENANT.name, 'api-key': TENANT.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      job: { workflow: 'vodstream' },
      parameters: {
        content_id: 'demo',
        source_folder: 'clip',
        output_folder: 'demo',
        generate_mp4: true,
        rest_endpoints: [callbackUrl],
        custom_data: { from: 'npm run demo' },
      },
    }),
  });
  const answer = (await response.json()) as { readonly id?: number; readonly error?: string };
  if (answer.id === undefined)
    throw new SetupError(`The job was refused: ${answer.error ?? response.status}`);
  return answer.id;
}

/** Runs the job, printing its callbacks as they come; resolves with the one that ends it. */
async function runJob(
  stack: Stack,
): Promise<{ readonly jobId: number; readonly end: ReceivedCallback }> {
  let finish: (end: ReceivedCallback) => void = () => undefined;
  const ended = new Promise<ReceivedCallback>((resolve, reject) => {
    finish = resolve;
    setTimeout(() => reject(new SetupError('The job did not end in time')), JOB_LIMIT_MS).unref();
  });
  const receiver = await startReceiver((callback) => {
    printCallback(callback);
    if (callback.status !== undefined) finish(callback);
  });
  try {
    const jobId = await submit(stack.addresses().api.url, receiver.url);
    progress.line(`\nJob ${jobId} submitted. Callbacks as they arrive (UTC):\n`);
    return { jobId, end: await ended };
  } finally {
    await receiver.close();
  }
}

async function prepareSource(config: Config, file: string | undefined): Promise<void> {
  const folder = join(config.localInputRoot, TENANT.name, 'clip');
  await mkdir(folder, { recursive: true });
  if (file === undefined) {
    await progress.slow(
      'Demo clip: making 20 s with two languages and subtitles (about 10 s)',
      () => makeClip(folder),
    );
    return;
  }
  await copyFile(file, join(folder, basename(file))).catch((error: unknown) => {
    throw new SetupError(`${file} cannot be read: ${(error as Error).message}`);
  });
}

async function untilInterrupted(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

/** Keeps the published files and removes the rest of the demo's folder. */
async function removeState(config: Config): Promise<void> {
  for (const name of await readdir(config.dataDir)) {
    if (name !== 'output') await rm(join(config.dataDir, name), { recursive: true, force: true });
  }
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { keep: { type: 'boolean' } },
    allowPositionals: true,
  });
  const dataDir = await mkdtemp(join(tmpdir(), 'task-engine-demo-'));
  const config: Config = {
    ...readConfig(
      childEnvironment({ DATA_DIR: dataDir, PORT: '0', TEMPORAL_PORT: '0', TEMPORAL_UI_PORT: '0' }),
    ),
    bootstrapTenants: [TENANT],
  };
  const stack = await startStack(config, progress, { isQuiet: true });
  try {
    await prepareSource(config, positionals[0]);
    const { jobId, end } = await runJob(stack);
    if (end.status !== 'completed') throw new SetupError(`The job failed: ${end.message}`);
    const { api, temporal } = stack.addresses();
    const output = join(config.localOutputRoot, TENANT.name);
    const player = await startPlayer(output);
    const credentials = `-H 'client: ${TENANT.name}' -H 'api-key: ${TENANT.apiKey}'`;
    const history = `${temporal.ui}/namespaces/${config.temporalNamespace}/workflows/job-${jobId}`;
    progress.line(`\nManifest  ${end.message}`);
    progress.line(`Play it   ${player.pageUrl(relative(output, end.message))}`);
    progress.line(`History   ${history}`);
    progress.line(`Job's log curl -s ${credentials} ${api.url}/logs/${jobId}`);
    progress.line(`API       ${api.url}/docs`);
    if (values.keep === true) {
      progress.line('\nUp until Ctrl-C.');
      await untilInterrupted();
    } else {
      progress.line(
        '\nThe published files stay. The links need the engine up: npm run demo -- --keep',
      );
    }
    await player.close();
  } finally {
    await stack.stop();
    await removeState(config);
  }
}

try {
  await run();
} catch (error) {
  progress.line(
    error instanceof SetupError ? `\nDemo: ${error.message}` : String((error as Error).stack),
  );
  process.exitCode = 1;
}
