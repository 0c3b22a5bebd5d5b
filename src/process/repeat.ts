import type { Logger } from '../log/logger.ts';

/** Work takes at most this share of the time, however long a turn is. */
const MOST_WORKING = 0.1;

/** Something that is done again and again until it is stopped. */
export interface Repeating {
  /** Ends it, when the turn that is under way has ended. */
  readonly stop: () => Promise<void>;
}

/**
 * Does work at once and then every `everyMs`, one turn at a time; less often where a turn takes long. A
 * turn that fails is told, once until one works again, and is no reason to stop.
 */
export function repeat(
  what: string,
  everyMs: number,
  work: () => Promise<void>,
  log: Logger,
): Repeating {
  const stopping = new AbortController();
  let isFailing = false;

  const turn = async (): Promise<void> => {
    try {
      await work();
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, `${what} failed; it is tried again`);
      isFailing = true;
    }
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const startedMs = performance.now();
      await turn();
      const tookMs = performance.now() - startedMs;
      await pause(Math.max(everyMs, tookMs / MOST_WORKING), stopping.signal);
    }
  };

  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

/** Waits; ends at once, without an error, when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
