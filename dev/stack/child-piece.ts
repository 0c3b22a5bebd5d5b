import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../setup/error.ts';
import { type ChildCommand, startChild, stopChild } from './child.ts';
import type { RunningPiece } from './piece.ts';

const START_LIMIT_MS = 60_000;
const PROBE_PAUSE_MS = 100;
const TAIL_LINES = 8;

/** Says whether a piece does its work: resolves when it does, or throws why it does not yet. */
export type Probe = () => Promise<void>;

/** A child process as a piece, up when `isReady` has resolved; it has a minute for that. */
export async function startProcess(
  command: ChildCommand,
  isReady: (child: ReturnType<typeof startChild>, signal: AbortSignal) => Promise<void>,
  graceMs: number,
): Promise<RunningPiece> {
  const child = startChild(command);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  const stop = () => stopChild(child, graceMs, command.stopSignal);
  const limit = new AbortController();
  try {
    await Promise.race([
      isReady(child, limit.signal),
      ended.then(async (how) => {
        throw new SetupError(how + (await lastLines(command.logFile)));
      }),
      delay(START_LIMIT_MS, undefined, { signal: limit.signal }).then(async () => {
        throw new SetupError(
          `did not answer within ${START_LIMIT_MS / 1000} s${await lastLines(command.logFile)}`,
        );
      }),
    ]);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    limit.abort();
  }
  return { pid: child.pid ?? 0, ended, stop };
}

/** Probes until it succeeds; gives up quietly when the wait is over. */
export async function probeUntilReady(probe: Probe, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await probe();
      return;
    } catch {
      // not yet; whoever waits has a limit and the log
      await delay(PROBE_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** What a program said last, for an error. */
async function lastLines(logFile: string | undefined): Promise<string> {
  if (logFile === undefined) return '';
  const text = await readFile(logFile, 'utf8').catch(() => '');
  const lines = text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n    ');
  return `; the end of ${logFile}:\n    ${lines}`;
}
