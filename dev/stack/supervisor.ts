import type { Progress } from '../progress.ts';
import { SetupError } from '../setup/error.ts';
import { type Piece, type Supervised, supervise } from './piece.ts';
import { createStateFile, type PieceName, type StackAddresses, withPids } from './state-file.ts';

/** What is to run, in the order of starting, and where it will be. */
export interface StackPlan {
  readonly addresses: StackAddresses;
  readonly pieces: readonly { readonly name: PieceName; readonly piece: Piece }[];
}

/** Pieces that run and are looked after. */
export interface Supervisor {
  readonly addresses: () => StackAddresses;
  /** Stops the pieces, the last started first, and removes `stack.json`. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts the pieces of a plan one after the other and keeps them running. `stack.json` appears in the
 * data folder when all are up, and follows each end and each new start. A piece whose first start fails
 * stops the others again and is thrown, named; so does `signal`, which is obeyed between two pieces.
 */
export async function startSupervisor(
  plan: StackPlan,
  dataDir: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<Supervisor> {
  const stateFile = createStateFile(dataDir);
  const pids: Partial<Record<PieceName, number>> = {};
  const supervised: Supervised[] = [];
  let isUp = false;

  const addresses = () => withPids(plan.addresses, pids);
  const stop = async (): Promise<void> => {
    isUp = false;
    for (const one of supervised.toReversed()) await one.stop();
    await stateFile.remove();
  };

  // left by a stack that was killed
  await stateFile.remove();
  try {
    for (const { name, piece } of plan.pieces) {
      signal?.throwIfAborted();
      progress.line(`${piece.name}: starting`);
      const one = await supervise(piece, {
        say: (text) => progress.line(text),
        onChange: async (pid) => {
          if (pid === undefined) delete pids[name];
          else pids[name] = pid;
          if (isUp) await stateFile.write(addresses());
        },
      }).catch((error: unknown) => {
        throw error instanceof SetupError
          ? new SetupError(`${piece.name} ${error.message}`)
          : error;
      });
      supervised.push(one);
    }
    signal?.throwIfAborted();
    isUp = true;
    await stateFile.write(addresses());
    return { addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
