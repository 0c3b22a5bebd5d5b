import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../log/logger.ts';

const RETRY_MS = 1000;

/** Tries until it works; says once that it waits, and for what. Rejects only when aborted. */
export async function untilItWorks<Result>(
  what: string,
  work: () => Promise<Result>,
  options: { readonly log: Logger; readonly signal?: AbortSignal },
): Promise<Result> {
  for (let tries = 0; ; tries++) {
    options.signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (tries === 0) options.log.warn({ reason }, `waiting for ${what}`);
      await delay(
        RETRY_MS,
        undefined,
        options.signal === undefined ? {} : { signal: options.signal },
      );
    }
  }
}
