import { basename } from 'node:path';

/**
 * The argument vector that runs a program so that it dies with its parent: `setpriv --pdeathsig` of
 * util-linux. Elsewhere than on Linux the program is run as it is.
 */
export function buildArgv(program: string, args: readonly string[]): readonly string[] {
  if (process.platform !== 'linux') return [program, ...args];
  return ['setpriv', '--pdeathsig', 'KILL', '--', program, ...args];
}

/** A command as it can be pasted into a POSIX shell. */
export function formatCommand(program: string, args: readonly string[]): string {
  return [program, ...args].map(quote).join(' ');
}

const quote = (argument: string): string =>
  /^[A-Za-z0-9_./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;

/** A tool's name for people, without its folder. */
export const toolName = (program: string): string => basename(program).replace(/-linux-.*$/, '');
