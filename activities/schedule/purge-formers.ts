import type { Logger } from '../../src/log/logger.ts';
import type { Storages } from '../../src/storage/storages.ts';
import type { Db } from '../../src/store/db.ts';
import { claimFormers, noteFormerFailure } from '../../src/store/former-publications.ts';
import { forEachParallel } from '../files/parallel.ts';
import { purgeFormer } from '../files/undo/purge-former.ts';
import type { RestorationPort } from '../files/undo/restoration.ts';
import type { Sweep } from './sweep-storage.ts';

/** Records that are claimed and worked on at once, each with a connection to Postgres; those that failed come last. */
const AT_ONCE = 2;
/** Nothing new is begun after this. */
const LONGEST_MS = 25_000;

/**
 * Makes the sweep that deletes the files of replaced publications whose `undo_window` is over. One that
 * fails, because its storage is down, is tried again later and holds up no other.
 */
export function createPurgeFormers(deps: {
  readonly db: Db;
  readonly log: Logger;
  readonly storages: Storages;
  readonly restoration: RestorationPort;
}): Sweep {
  const purge = async (id: number): Promise<void> => {
    try {
      await purgeFormer(deps, id);
    } catch (error) {
      deps.log.warn({ err: error }, 'files of a replaced publication are left for now');
      const reason = error instanceof Error ? error.message : String(error);
      await noteFormerFailure(deps.db, id, reason);
    }
  };
  return async (pass) => {
    const endsAt = performance.now() + LONGEST_MS;
    for (;;) {
      const claimed = await claimFormers(deps.db, AT_ONCE);
      await forEachParallel(claimed, AT_ONCE, pass.signal, purge);
      if (claimed.length < AT_ONCE || performance.now() > endsAt) return;
    }
  };
}
