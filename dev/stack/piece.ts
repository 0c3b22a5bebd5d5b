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

/**
 * Keeps a piece running: one that dies is started again, after a wait that doubles while it keeps
 * dying. The first start is the caller's to await; its failure is thrown.
 */
export async function supervise(
  piece: Piece,
  options: {
    /** Told of each start, the first one included. */
    readonly onStart: (running: RunningPiece) => void | Promise<void>;
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

  const watch = async (): Promise<void> => {
    let waitMs = FIRST_WAIT_MS;
    let startedAt = Date.now();
    while (!isStopping) {
      const how = (await current?.ended) ?? 'did not start';
      if (isStopping) return;
      if (Date.now() - startedAt > SOUND_MS) waitMs = FIRST_WAIT_MS;
      options.say(`${piece.name} ${how}; starting it again in ${waitMs / 1000} s`);
      await pause(waitMs);
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
      if (isStopping) return;
      startedAt = Date.now();
      try {
        current = await piece.start();
        await options.onStart(current);
        options.say(`${piece.name} is up again (pid ${current.pid})`);
      } catch (error) {
        current = undefined;
        options.say(`${piece.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };

  current = await piece.start();
  await options.onStart(current);
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
