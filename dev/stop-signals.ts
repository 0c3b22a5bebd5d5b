/** Signals that arrive sooner after the first are its echo: npm passes a terminal's Ctrl-C on again. */
const ECHO_MS = 500;

/**
 * Aborts the returned signal at the first SIGINT or SIGTERM, after `onStop`; a second one, if it is no
 * echo of the first, ends the process at once with exit code 1: its pieces die with it.
 */
export function listenForStop(onStop: () => void): AbortSignal {
  const stopping = new AbortController();
  let firstAt: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        onStop();
        stopping.abort(new StoppedError());
      } else if (performance.now() - firstAt > ECHO_MS) {
        process.exit(1);
      }
    });
  }
  return stopping.signal;
}

/** Somebody asked for the end before the work was done. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';

  constructor() {
    super('stopped');
  }
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
