import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';

const RETRY_MS = 1000;

/**
 * Tries until it works; says that it waits, for what and why, and again when the reason is another one.
 * Rejects only when aborted.
 */
export async function untilItWorks<Result>(
  what: string,
  work: () => Promise<Result>,
  options: {
    readonly log: Logger;
    readonly signal?: AbortSignal;
    /** Between two tries. Default 1 s. */
    readonly retryMs?: number;
  },
): Promise<Result> {
  let told: string | undefined;
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) options.log.warn({ reason }, `waiting for ${what}`);
      told = reason;
      await delay(
        options.retryMs ?? RETRY_MS,
        undefined,
        options.signal === undefined ? {} : { signal: options.signal },
      );
    }
  }
}
