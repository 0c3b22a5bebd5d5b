import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../process-identity.ts';
import type { PostgresPrograms } from '../setup/postgres.ts';
import { type ChildCommand, startChild, stopChild } from './child.ts';
import type { Piece, RunningPiece } from './piece.ts';
import { startPostgres, stopPostgres } from './postgres.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const START_LIMIT_MS = 60_000;

/** Settings of the embedded Temporal server beside its defaults. */
const DYNAMIC_CONFIG: Readonly<Record<string, string>> = {
  // task queues obey priority and are fair to tenants
  'matching.useNewMatcher': 'true',
  'matching.enableFairness': 'true',
  'frontend.WorkerHeartbeatsEnabled': 'true',
  'frontend.ListWorkersEnabled': 'true',
  // search attributes and namespaces made at start-up are usable at once
  'system.forceSearchAttributesCacheRefreshOnRead': 'true',
  'limit.historyCount.suggestContinueAsNew': '4096',
};

/** A child process as a piece, up when `isReady` has resolved. */
export async function startProcess(
  command: ChildCommand,
  isReady: (child: ReturnType<typeof startChild>) => Promise<void>,
  graceMs: number,
): Promise<RunningPiece> {
  const child = startChild(command);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
    );
  });
  const limit = new AbortController();
  try {
    await Promise.race([
      isReady(child),
      ended.then((how) => {
        throw new Error(how + (command.logFile === undefined ? '' : `; see ${command.logFile}`));
      }),
      delay(START_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
        throw new Error(`did not answer within ${START_LIMIT_MS / 1000} s`);
      }),
    ]);
  } catch (error) {
    await stopChild(child, graceMs);
    throw error;
  } finally {
    limit.abort();
  }
  return { pid: child.pid ?? 0, ended, stop: () => stopChild(child, graceMs) };
}

/** Resolves when a port of loopback takes connections. */
export async function portAnswers(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await delay(100);
  }
}

/** The embedded Temporal server with its Web UI, its state in one file. */
export function temporalPiece(options: {
  readonly program: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** State lasts in this file; without it, until the end of the process. */
  readonly file?: string;
  readonly logFile: string;
}): Piece {
  const args = [
    'server', 'start-dev',
    '--ip', '127.0.0.1',
    '--port', String(options.port),
    '--ui-port', String(options.uiPort),
    '--namespace', options.namespace,
    '--log-level', 'warn',
    ...(options.file === undefined ? [] : ['--db-filename', options.file]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([name, value]) => [
      '--dynamic-config-value', `${name}=${value}`,
    ]),
  ];
  return {
    name: 'Temporal',
    start: () =>
      startProcess(
        { file: options.program, args, logFile: options.logFile },
        () => portAnswers(options.port),
        5000,
      ),
  };
}

/** The embedded Postgres. It is a daemon of its own, so its end is noticed by looking. */
export function postgresPiece(options: {
  readonly programs: PostgresPrograms;
  readonly folder: string;
  readonly port: number;
  readonly isThrowAway?: boolean;
}): Piece {
  return {
    name: 'Postgres',
    start: async () => {
      const { pid } = await startPostgres(options);
      const ended = (async () => {
        while (await isRunning(pid)) await delay(300, undefined, { ref: false });
        return 'ended';
      })();
      return { pid, ended, stop: () => stopPostgres(options.programs, options.folder) };
    },
  };
}

/** One of the engine's own processes; it says when it is ready over its channel. */
export function nodePiece(options: {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly logFile?: string;
}): Piece {
  return {
    name: options.name,
    start: () =>
      startProcess(
        {
          file: process.execPath,
          args: [join(ROOT, options.script), ...(options.args ?? [])],
          variables: options.variables,
          hasChannel: true,
          ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
        },
        (child) => new Promise((resolve) => child.once('message', () => resolve())),
        15_000,
      ),
  };
}
