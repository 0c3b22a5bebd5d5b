import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { childEnvironment } from '../../src/config/config.ts';

/** A program that the stack runs. */
export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** What goes before it, to run it as somebody else. */
  readonly prefix?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Where its output goes; without it, to ours. */
  readonly logFile?: string;
  /** Node programs tell when they are ready over their channel. */
  readonly hasChannel?: boolean;
  /** Asks it to end. Default SIGTERM. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
  /** What it gets when we die, even by SIGKILL. Default SIGKILL. */
  readonly orphanSignal?: 'SIGKILL' | 'SIGINT';
}

let canTie: boolean | undefined;

/** True where setpriv(1) of util-linux is there; other systems' orphans live on. */
function canTieToParent(): boolean {
  canTie ??=
    spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return canTie;
}

/** Starts a program that dies with us, even when we are killed (PR_SET_PDEATHSIG, prctl(2)). */
export function startChild(command: ChildCommand): ChildProcess {
  const orphanSignal = (command.orphanSignal ?? 'SIGKILL').slice('SIG'.length);
  const [file = command.file, ...args] = [
    // changing user clears the signal, so it is set behind the prefix
    ...(command.prefix ?? []),
    ...(canTieToParent() ? ['setpriv', '--pdeathsig', orphanSignal, '--'] : []),
    command.file,
    ...command.args,
  ];
  const output = command.logFile === undefined ? 'inherit' : openSync(command.logFile, 'a');
  try {
    return spawn(file, args, {
      stdio:
        command.hasChannel === true
          ? ['ignore', output, output, 'ipc']
          : ['ignore', output, output],
      env: childEnvironment(command.variables ?? {}),
      // a terminal's Ctrl-C is for the stack, which stops its pieces in order
      detached: true,
    });
  } finally {
    if (typeof output === 'number') closeSync(output);
  }
}

/** Asks a program to end and kills it after `graceMs`. Resolves when it is gone. */
export async function stopChild(
  child: ChildProcess,
  graceMs: number,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  const isGone = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  if (isGone) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await gone;
  clearTimeout(timer);
}
