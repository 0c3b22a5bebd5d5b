import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';

const BUILD_LIMIT_MS = 20 * 60 * 1000;

/** A program that can be built with Go. */
export interface GoProgram {
  /** For people, `Temporal CLI`. */
  readonly title: string;
  /** What the program is called, `temporal`. */
  readonly name: string;
  readonly version: string;
  /** Path of its package, without the version. */
  readonly module: string;
  /** How long it takes, for people. */
  readonly duration: string;
}

/** Puts a file where it is looked for: whole or not at all. */
export async function keepProgram(built: string, cached: string): Promise<void> {
  await mkdir(dirname(cached), { recursive: true });
  const partial = `${cached}.${process.pid}`;
  await copyFile(built, partial);
  await rename(partial, cached);
}

/** Builds a program into `cached`. Returns why that is not possible, undefined where it is there now. */
export async function buildGoProgram(
  program: GoProgram,
  cached: string,
  progress: Progress,
): Promise<string | undefined> {
  const { title, name, version, module } = program;
  const go = await runCommand('go', ['version']);
  if (!go.isOk) return 'Go is not installed to build it with';
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-go-'));
  try {
    const end = await progress.slow(
      `${title}: building ${version} with Go (${program.duration}, kept for the next time)`,
      (note) =>
        runCommand('go', ['install', '-v', `${module}@v${version}`], {
          timeoutMs: BUILD_LIMIT_MS,
          env: { GOBIN: folder },
          onLine: note,
        }),
    );
    if (!end.isOk) return `the build failed: ${end.reason}`;
    await keepProgram(join(folder, name), cached);
    progress.line(`${title}: ${version} built`);
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
