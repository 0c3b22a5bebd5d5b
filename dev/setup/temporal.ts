import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';
import { buildGoProgram, type GoProgram, keepProgram } from './go-program.ts';
import { downloadTemporal } from './temporal-download.ts';

const VERSION = '1.5.1';
const PROGRAM: GoProgram = {
  title: 'Temporal CLI',
  name: 'temporal',
  version: VERSION,
  module: 'github.com/temporalio/cli/cmd/temporal',
  duration: '3 to 5 minutes',
};
const LOCK_WAIT_MS = 25 * 60 * 1000;

/** Its server orders task queues by priority and tenant; older ones do not. */
const OLDEST_SERVER = '1.29';

/** Version of the server inside a Temporal CLI; undefined where the program does not run. */
async function serverVersion(program: string): Promise<string | undefined> {
  const end = await runCommand(program, ['--version'], { timeoutMs: 20_000 });
  return end.isOk ? (/Server (\d+\.\d+\.\d+)/.exec(end.output)?.[1] ?? '0.0.0') : undefined;
}

/** True where `version` (`major.minor.patch`) is not older than `floor` (`major.minor`). */
export function isNewEnough(version: string, floor = OLDEST_SERVER): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = floor.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}

/**
 * Finds the Temporal command line program, whose `server start-dev` is the embedded server: in
 * `TEMPORAL_CLI`, on PATH, in the cache; else by the SDK's download, else by building it with Go.
 * Returns what to run. Throws {@link SetupError} naming each way that was tried.
 */
export async function ensureTemporal(config: Config, progress: Progress): Promise<string> {
  const { temporalCli } = config;
  if (temporalCli !== undefined) {
    const version = await serverVersion(temporalCli);
    if (version === undefined) {
      throw new SetupError(`TEMPORAL_CLI: ${temporalCli} is not a Temporal CLI that runs here`);
    }
    progress.line(`Temporal CLI: server ${version} (TEMPORAL_CLI)`);
    return temporalCli;
  }
  const cached = join(config.cacheDir, `temporal-${VERSION}`, 'temporal');
  return (await findTemporal(cached, progress)) ?? getTemporal(config.cacheDir, cached, progress);
}

async function findTemporal(cached: string, progress: Progress): Promise<string | undefined> {
  for (const [program, where] of [
    ['temporal', 'on PATH'],
    [cached, 'in the cache'],
  ] as const) {
    const version = await serverVersion(program);
    if (version === undefined) continue;
    if (isNewEnough(version)) {
      progress.line(`Temporal CLI: server ${version} (${where})`);
      return program;
    }
    progress.line(
      `Temporal CLI: server ${version} (${where}) is older than ${OLDEST_SERVER}: not used`,
    );
  }
  return undefined;
}

async function getTemporal(cacheDir: string, cached: string, progress: Progress): Promise<string> {
  const release = await takeLock(join(cacheDir, 'temporal.lock'), {
    waitMs: LOCK_WAIT_MS,
    onWait: (holder) =>
      progress.line(`Temporal CLI: waiting for process ${holder.pid}, which is getting it`),
  });
  try {
    // whoever held the lock may have got it
    const program = await findTemporal(cached, progress);
    if (program !== undefined) return program;
    const reasons = [];
    for (const way of [download, build]) {
      const reason = await way(cached, progress);
      if (reason === undefined) return cached;
      progress.line(`Temporal CLI: ${reason}`);
      reasons.push(reason);
    }
    throw new SetupError(
      `The Temporal CLI cannot be got here: ${reasons.join('; ')}. ` +
        `Install it (go install ${PROGRAM.module}@v${VERSION}, or a release of the Temporal CLI) and set TEMPORAL_CLI to it, ` +
        'or set TEMPORAL_ADDRESS to a running server',
    );
  } finally {
    await release();
  }
}

async function download(cached: string, progress: Progress): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-temporal-'));
  try {
    const found = await progress.slow(
      'Temporal CLI: asking the SDK to download it (about 100 MB; given up after 30 s without an answer)',
      (note) => downloadTemporal(folder, note),
    );
    if (found === undefined) return 'the download is out of reach';
    await keepProgram(found, cached);
    progress.line('Temporal CLI: downloaded');
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const build = (cached: string, progress: Progress): Promise<string | undefined> =>
  buildGoProgram(PROGRAM, cached, progress);
