import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';
import { buildGoProgram, type GoProgram } from './go-program.ts';

const LOCK_WAIT_MS = 25 * 60 * 1000;

/** A server that tests run against. */
export interface TestServer extends GoProgram {
  /** What it is called on PATH, and its folder in the cache: `toxiproxy-server`. */
  readonly command: string;
  /** What it is for, `The S3 server for tests`. */
  readonly purpose: string;
}

/**
 * Finds a server that tests run against: on PATH or in the cache, else built with Go. Returns what to
 * run. Throws a {@link SetupError} where it cannot be had: no test is left out silently.
 */
export async function ensureTestServer(
  server: TestServer,
  config: Config,
  progress: Progress,
): Promise<string> {
  const cached = join(config.cacheDir, `${server.command}-${server.version}`, server.name);
  const found = await findServer(server, cached, progress);
  if (found !== undefined) return found;
  const release = await takeLock(join(config.cacheDir, `${server.command}.lock`), {
    waitMs: LOCK_WAIT_MS,
    onWait: (holder) =>
      progress.line(`${server.command}: waiting for process ${holder.pid}, which is building it`),
  });
  try {
    // whoever held the lock may have built it
    const program = await findServer(server, cached, progress);
    if (program !== undefined) return program;
    const reason = await buildGoProgram(server, cached, progress);
    if (reason === undefined) return cached;
    throw new SetupError(
      `${server.purpose} cannot be got here: ${reason}. ` +
        `Put ${server.command} ${server.version} on PATH (go install ${server.module}@v${server.version})`,
    );
  } finally {
    await release();
  }
}

async function findServer(
  { command }: TestServer,
  cached: string,
  progress: Progress,
): Promise<string | undefined> {
  for (const [program, where] of [
    [command, 'on PATH'],
    [cached, 'in the cache'],
  ] as const) {
    const end = await runCommand(program, ['--version'], { timeoutMs: 20_000 });
    if (!end.isOk) continue;
    progress.line(`${command}: ${/\d+\.\d+\.\d+/.exec(end.output)?.[0] ?? 'found'} (${where})`);
    return program;
  }
  return undefined;
}
