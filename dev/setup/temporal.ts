import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledServerDownload } from './temporal-download.ts';
import type { Config } from '../../src/config/config.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';

const VERSION = '1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;
const BUILD_LIMIT_MS = 20 * 60 * 1000;
const LOCK_WAIT_MS = 25 * 60 * 1000;

async function versionOf(program: string): Promise<string | undefined> {
  const end = await runCommand(program, ['--version'], { timeoutMs: 20_000 });
  return end.isOk ? (/Server \d+\.\d+\.\d+/.exec(end.output)?.[0] ?? 'found') : undefined;
}

/**
 * Finds the Temporal command line program, whose `server start-dev` is the embedded server: in
 * `TEMPORAL_CLI`, on PATH, in the cache; else by the SDK's download, else by building it with Go.
 * Returns what to run.
 */
export async function ensureTemporal(config: Config, progress: Progress): Promise<string> {
  if (config.temporalCli !== undefined) {
    const version = await versionOf(config.temporalCli);
    if (version === undefined) throw new SetupError(`TEMPORAL_CLI: ${config.temporalCli} does not run`);
    progress.line(`Temporal CLI: ${version} (TEMPORAL_CLI)`);
    return config.temporalCli;
  }
  const cached = join(config.cacheDir, `temporal-${VERSION}`, 'temporal');
  for (const [program, where] of [['temporal', 'on PATH'], [cached, 'in the cache']] as const) {
    const version = await versionOf(program);
    if (version === undefined) continue;
    progress.line(`Temporal CLI: ${version} (${where})`);
    return program;
  }
  const release = await takeLock(join(config.cacheDir, 'temporal.lock'), {
    waitMs: LOCK_WAIT_MS,
    onWait: (holder) =>
      progress.line(`Temporal CLI: waiting for process ${holder.pid}, which is getting it`),
  });
  try {
    if ((await versionOf(cached)) !== undefined) return cached;
    await mkdir(join(config.cacheDir, `temporal-${VERSION}`), { recursive: true });
    const reasons = [];
    for (const way of [download, build]) {
      const reason = await way(cached, progress);
      if (reason === undefined) return cached;
      reasons.push(reason);
    }
    throw new SetupError(
      `The Temporal CLI cannot be got here: ${reasons.join('; ')}. ` +
        `Install it (go install ${MODULE}, or a release of the Temporal CLI) and set TEMPORAL_CLI to it, ` +
        'or set TEMPORAL_ADDRESS to a running server',
    );
  } finally {
    await release();
  }
}

async function keep(built: string, cached: string): Promise<void> {
  const partial = `${cached}.${process.pid}`;
  await copyFile(built, partial);
  await rename(partial, cached);
}

async function download(cached: string, progress: Progress): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-temporal-'));
  try {
    const found = await progress.slow(
      'Temporal CLI: asking the SDK to download it (30 s at most)',
      () => bundledServerDownload(folder),
    );
    if (found === undefined) return 'the download is out of reach';
    await keep(found, cached);
    progress.line('Temporal CLI: downloaded');
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(cached: string, progress: Progress): Promise<string | undefined> {
  const go = await runCommand('go', ['version']);
  if (!go.isOk) return 'Go is not installed to build it with';
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-go-'));
  try {
    const end = await progress.slow(
      `Temporal CLI: building ${VERSION} with Go (3 to 5 minutes, kept for the next time)`,
      (note) =>
        runCommand('go', ['install', '-v', MODULE], {
          timeoutMs: BUILD_LIMIT_MS,
          env: { GOBIN: folder },
          onLine: note,
        }),
    );
    if (!end.isOk) return `the build failed: ${end.reason}`;
    await keep(join(folder, 'temporal'), cached);
    progress.line(`Temporal CLI: ${VERSION} built`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
