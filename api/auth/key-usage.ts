import type { Logger } from '../../src/log/logger.ts';
import { touchApiKey } from '../../src/store/api-keys.ts';
import type { Db } from '../../src/store/db.ts';

/** How often a key's use is written, milliseconds. */
const INTERVAL_MS = 60_000;

/** Keys remembered; with more, some are written more often. */
const MOST_KEYS = 10_000;

/** Keeps when a key was last used, once a minute for each key and process. */
export function createKeyUsage(
  deps: { readonly db: Db; readonly log: Logger },
  nowMs: () => number = () => performance.now(),
): (keyId: number) => void {
  const writtenMs = new Map<number, number>();
  return (keyId) => {
    const now = nowMs();
    if (now - (writtenMs.get(keyId) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    if (writtenMs.size >= MOST_KEYS) writtenMs.clear();
    writtenMs.set(keyId, now);
    touchApiKey(deps.db, keyId).catch((error: unknown) => {
      deps.log.warn({ err: error }, 'the use of a key was not written');
    });
  };
}
