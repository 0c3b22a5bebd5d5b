import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';
import { buildGoProgram, type GoProgram } from './go-program.ts';

const PROGRAM: GoProgram = {
  title: 'versitygw (S3 server for tests)',
  name: 'versitygw',
  version: '1.8.0',
  module: 'github.com/versity/versitygw/cmd/versitygw',
  duration: '2 to 5 minutes',
};

const LOCK_WAIT_MS = 25 * 60 * 1000;

/**
 * Finds the S3 server that tests run against: on PATH or in the cache, else built with Go. Returns what
 * to run. Throws a {@link SetupError} where it cannot be had: no test is left out silently.
 */
export async function ensureVersitygw(config: Config, progress: Progress): Promise<string> {
  const cached = join(config.cacheDir, `versitygw-${PROGRAM.version}`, PROGRAM.name);
  const found = await findVersitygw(cached, progress);
  if (found !== undefined) return found;
  const release = await takeLock(join(config.cacheDir, 'versitygw.lock'), {
    waitMs: LOCK_WAIT_MS,
    onWait: (holder) =>
      progress.line(`versitygw: waiting for process ${holder.pid}, which is building it`),
  });
  try {
    // whoever held the lock may have built it
    const program = await findVersitygw(cached, progress);
    if (program !== undefined) return program;
    const reason = await buildGoProgram(PROGRAM, cached, progress);
    if (reason === undefined) return cached;
    throw new SetupError(
      `The S3 server for tests cannot be got here: ${reason}. ` +
        `Put versitygw ${PROGRAM.version} on PATH (go install ${PROGRAM.module}@v${PROGRAM.version})`,
    );
  } finally {
    await release();
  }
}

async function findVersitygw(cached: string, progress: Progress): Promise<string | undefined> {
  for (const [program, where] of [
    [PROGRAM.name, 'on PATH'],
    [cached, 'in the cache'],
  ] as const) {
    const end = await runCommand(program, ['--version'], { timeoutMs: 20_000 });
    if (!end.isOk) continue;
    progress.line(`versitygw: ${/\d+\.\d+\.\d+/.exec(end.output)?.[0] ?? 'found'} (${where})`);
    return program;
  }
  return undefined;
}
