import type { Logger } from '../log/logger.ts';

/** Something that is done again and again until it is stopped. */
export interface Repeating {
  /** Ends it, when the turn that is under way has ended. */
  readonly stop: () => Promise<void>;
}

/**
 * Does work at once and then `everyMs` after each turn, and at least `restFactor` times as long after it as it
 * took (default 0). A turn that fails is told, once until one works again, and is no reason to stop.
 */
export function repeat(
  what: string,
  everyMs: number,
  work: () => Promise<void>,
  log: Logger,
  { restFactor = 0 }: { readonly restFactor?: number } = {},
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
      await pause(Math.max(everyMs, tookMs * restFactor), stopping.signal);
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
