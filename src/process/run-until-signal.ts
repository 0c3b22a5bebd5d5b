import type { Logger } from '../log/logger.ts';

/** Something that runs until it is stopped. */
interface Running {
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** After this long a stop is no longer waited for, milliseconds. */
const FORCE_MS = 35_000;

/**
 * Runs a process's work until SIGTERM or SIGINT, then stops it in order; a second signal ends the
 * process at once. Work that ends by itself ends the process with exit code 1.
 */
export async function runUntilSignal(
  log: Logger,
  start: (signal: AbortSignal) => Promise<Running>,
): Promise<void> {
  const starting = new AbortController();
  let running: Running | undefined;
  let isStopping = false;

  const stop = async (exitCode: number): Promise<void> => {
    if (isStopping) process.exit(1);
    isStopping = true;
    starting.abort();
    setTimeout(() => process.exit(1), FORCE_MS).unref();
    await running?.stop();
    process.exit(exitCode);
  };
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      log.info({ signal: name }, 'stopping');
      void stop(0);
    });
  }
  try {
    running = await start(starting.signal);
    await running.ended;
    if (!isStopping) await stop(1);
  } catch (error) {
    if (isStopping) return;
    log.fatal({ err: error }, 'cannot go on');
    await stop(1);
  }
}
