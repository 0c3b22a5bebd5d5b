import { spawn } from 'node:child_process';
import { buildArgv, formatCommand } from './command-line.ts';
import { TailBuffer } from './tail-buffer.ts';
import { toolEnvironment } from '../../config/tool-environment.ts';

/** A program to run. Arguments are an array: no shell ever sees them. */
export interface ToolCommand {
  /** `ffmpeg`, `ffprobe`, or an absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** Wall clock limit, milliseconds. */
  readonly timeoutMs: number;
  /**
   * The tool is stopped when it made no progress for this long, milliseconds: nothing on stdout, and
   * `measure` unchanged.
   */
  readonly stallMs?: number;
  /** Progress of a tool that tells none, the bytes it has written; asked once a second. */
  readonly measure?: () => Promise<number>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Each line of stdout as it comes, for progress. */
  readonly onLine?: (line: string) => void;
  /** Bytes of stdout kept in the result. Default 0; a probe's answer needs more. */
  readonly stdoutBytes?: number;
  /** Told of the command in a form that can be pasted into a shell. */
  readonly onCommand?: (command: string) => void;
}

/** How a program ended. */
export interface ToolResult {
  readonly program: string;
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly isStalled: boolean;
  readonly isCanceled: boolean;
  readonly stdout: string;
  /** The last 8 KB of stderr. */
  readonly stderrTail: string;
  readonly durationMs: number;
}

const STDERR_BYTES = 8 * 1024;

/** Time between SIGTERM and SIGKILL, milliseconds. */
const TERM_GRACE_MS = 2000;

const MEASURE_MS = 1000;

/**
 * Runs a program to its end and never throws for how it ended. A cancel, a timeout or a stall sends
 * SIGTERM to its whole process group, then SIGKILL. The program dies with this process, even when
 * that is killed (PR_SET_PDEATHSIG, prctl(2)). Of this process's environment it gets what `toolEnvironment` names.
 */
export function runTool(command: ToolCommand): Promise<ToolResult> {
  const [file, ...args] = buildArgv(command.program, command.args);
  command.onCommand?.(formatCommand(command.program, command.args));
  const startedAt = performance.now();
  const stdout = new TailBuffer(command.stdoutBytes ?? 0);
  const stderr = new TailBuffer(STDERR_BYTES);
  let reason: 'timedOut' | 'isStalled' | 'isCanceled' | undefined;

  return new Promise((resolve, reject) => {
    if (file === undefined) throw new Error('a command has no program');
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: toolEnvironment(),
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    });
    let killTimer: NodeJS.Timeout | undefined;
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    };
    const stop = (why: NonNullable<typeof reason>): void => {
      if (reason !== undefined) return;
      reason = why;
      kill('SIGTERM');
      // a stopped process does not see SIGTERM before it is continued; SIGKILL needs no consent
      killTimer = setTimeout(() => kill('SIGKILL'), TERM_GRACE_MS);
    };
    const timeout = setTimeout(() => stop('timedOut'), command.timeoutMs);
    let watchdog =
      command.stallMs === undefined
        ? undefined
        : setTimeout(() => stop('isStalled'), command.stallMs);
    const { measure } = command;
    let measured = 0;
    const meter =
      measure === undefined
        ? undefined
        : setInterval(() => {
            void measure().then(
              (value) => {
                if (value !== measured) watchdog?.refresh();
                measured = value;
              },
              // what cannot be measured has made no progress
              () => undefined,
            );
          }, MEASURE_MS);
    const cancel = (): void => stop('isCanceled');
    command.signal?.addEventListener('abort', cancel, { once: true });
    if (command.signal?.aborted === true) cancel();

    let partial = '';
    child.stdout.on('data', (chunk: Buffer) => {
      watchdog?.refresh();
      stdout.append(chunk);
      if (command.onLine === undefined) return;
      const lines = (partial + chunk.toString('utf8')).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) command.onLine(line);
    });
    child.stderr.on('data', (chunk: Buffer) => stderr.append(chunk));

    const settle = (): void => {
      clearTimeout(timeout);
      clearTimeout(watchdog);
      watchdog = undefined;
      clearInterval(meter);
      clearTimeout(killTimer);
      command.signal?.removeEventListener('abort', cancel);
    };
    child.on('error', (error) => {
      settle();
      reject(
        new Error(`${command.program} could not be started: ${error.message}`, { cause: error }),
      );
    });
    child.on('close', (exitCode, signal) => {
      settle();
      resolve({
        program: command.program,
        exitCode,
        signal,
        timedOut: reason === 'timedOut',
        isStalled: reason === 'isStalled',
        isCanceled: reason === 'isCanceled',
        stdout: stdout.toString(),
        stderrTail: stderr.toString(),
        durationMs: Math.round(performance.now() - startedAt),
      });
    });
  });
}
