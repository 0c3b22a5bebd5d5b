/** A piece that runs. */
export interface RunningPiece {
  readonly pid: number;
  /** Resolves when it has ended, wanted or not; says how. */
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

/** A piece of the stack: how it is started, as data. */
export interface Piece {
  readonly name: string;
  /** Starts it and resolves when it answers. */
  readonly start: () => Promise<RunningPiece>;
}

/** A piece that is looked after. */
export interface Supervised {
  readonly stop: () => Promise<void>;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 10_000;

/** Up for this long, a piece counts as sound again. */
const SOUND_MS = 60_000;

/** How long to wait before a start: 0.2 s, doubling to 10 s while the piece keeps dying early. */
export function waitBeforeStartMs(previousWaitMs: number, upMs: number): number {
  if (upMs > SOUND_MS || previousWaitMs === 0) return FIRST_WAIT_MS;
  return Math.min(LONGEST_WAIT_MS, previousWaitMs * 2);
}

/**
 * Keeps a piece running: one that dies is started again, see {@link waitBeforeStartMs}. The first start is the caller's to await; its failure is thrown.
 */
export async function supervise(
  piece: Piece,
  options: {
    /** Told the process id at each start, the first one included, and undefined at each end. */
    readonly onChange: (pid: number | undefined) => void | Promise<void>;
    readonly say: (text: string) => void;
  },
): Promise<Supervised> {
  let current: RunningPiece | undefined;
  let isStopping = false;
  let wakeUp: (() => void) | undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const startAgain = async (): Promise<void> => {
    try {
      current = await piece.start();
      await options.onChange(current.pid);
      if (!isStopping) options.say(`${piece.name} is up again (pid ${current.pid})`);
    } catch (error) {
      options.say(`${piece.name} ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  const watch = async (): Promise<void> => {
    let waitMs = 0;
    let startedAt = Date.now();
    while (!isStopping) {
      const how = (await current?.ended) ?? 'is not up';
      current = undefined;
      await options.onChange(undefined);
      if (isStopping) return;
      waitMs = waitBeforeStartMs(waitMs, Date.now() - startedAt);
      options.say(`${piece.name} ${how}; starting it again in ${waitMs / 1000} s`);
      await pause(waitMs);
      if (isStopping) return;
      startedAt = Date.now();
      await startAgain();
    }
    // asked to stop while it was being started again
    await current?.stop();
  };

  current = await piece.start();
  await options.onChange(current.pid);
  const watching = watch();
  return {
    stop: async () => {
      isStopping = true;
      wakeUp?.();
      await current?.stop();
      await watching;
    },
  };
}
