import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { childEnvironment } from '../../src/config/config.ts';

/** A program that the stack runs. */
export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Where its output goes; without it, to ours. */
  readonly logFile?: string;
  /** Node programs tell when they are ready over their channel. */
  readonly hasChannel?: boolean;
}

/** Starts a program that dies with us, even when we are killed (PR_SET_PDEATHSIG, prctl(2)). */
export function startChild(command: ChildCommand): ChildProcess {
  const isLinux = process.platform === 'linux';
  const argv = isLinux
    ? ['setpriv', '--pdeathsig', 'KILL', '--', command.file, ...command.args]
    : [command.file, ...command.args];
  const [file = command.file, ...args] = argv;
  const output = command.logFile === undefined ? 'inherit' : 'pipe';
  const child = spawn(file, args, {
    stdio: command.hasChannel === true ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
    env: childEnvironment(command.variables ?? {}),
    // a terminal's Ctrl-C is for the stack, which stops its pieces in order
    detached: true,
  });
  if (command.logFile !== undefined) {
    const log = createWriteStream(command.logFile, { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
  }
  return child;
}

/** Asks a program to end and kills it after `graceMs`. Resolves when it is gone. */
export async function stopChild(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
