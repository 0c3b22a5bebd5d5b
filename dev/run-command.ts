import { execa } from 'execa';

/** How a program ended. */
export interface CommandEnd {
  readonly isOk: boolean;
  /** The program is not there. */
  readonly isMissing: boolean;
  readonly isTimedOut: boolean;
  readonly output: string;
  /** One sentence on what went wrong, with the last lines of output. */
  readonly reason: string;
}

const TAIL_LINES = 12;

/**
 * Runs a program to its end, output lines (both streams) given to `onLine` as they come. Never throws:
 * a missing program, an exit code and an expired `timeoutMs` are in the result.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: {
    readonly timeoutMs?: number;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Ends it when aborted. */
    readonly signal?: AbortSignal;
    readonly onLine?: (line: string) => void;
  } = {},
): Promise<CommandEnd> {
  const child = execa(file, args, {
    reject: false,
    all: true,
    stdin: 'ignore',
    forceKillAfterDelay: 2_000,
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  if (options.onLine !== undefined) {
    for await (const line of child.iterable({ from: 'all' })) options.onLine(String(line));
  }
  const end = await child;
  const output = end.all ?? '';
  return {
    isOk: !end.failed,
    isMissing: end.code === 'ENOENT',
    isTimedOut: end.timedOut,
    output,
    reason: [end.failed ? end.shortMessage : '', tail(output)]
      .filter((part) => part !== '')
      .join('\n'),
  };
}

const tail = (output: string): string => output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
