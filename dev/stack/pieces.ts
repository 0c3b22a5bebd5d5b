import { join } from 'node:path';
import { startProcess } from './child-piece.ts';
import type { Piece } from './piece.ts';

export { postgresPiece } from './postgres.ts';
export { temporalPiece } from './temporal-server.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Running tasks may use this time to end before they are left to another attempt. */
const STOP_GRACE_MS = 15_000;

/** One of the engine's own processes; it says when it is ready over its channel. */
export function nodePiece(options: {
  readonly name: string;
  /** Path below the project's folder. */
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
        STOP_GRACE_MS,
      ),
  };
}
