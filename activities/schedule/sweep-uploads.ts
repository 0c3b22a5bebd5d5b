import { createTakeBack, type LeftUploadsDeps } from '../files/publish/left-uploads.ts';

import { storageOf } from '../../src/store/uploads.ts';
import type { TakeBackOutcome } from '../files/publish/uploads.ts';
import type { Sweep } from './sweep-storage.ts';

/** Storages that are worked on at once: each holds a connection to Postgres meanwhile. */
const PARALLEL_STORAGES = 4;

/** Nothing new is begun after this; with what one may take, a pass ends within a minute. */
const LONGEST_MS = 25_000;

/**
 * Makes the sweep that takes back what jobs have left which ended without their clean-up: terminated, or
 * while their storage was down. One storage of one client is worked on at a time, and not again in the same
 * pass after it has failed, so that none holds up the others.
 */
export function createSweepUploads(deps: LeftUploadsDeps): Sweep {
  return async (pass) => {
    const endsAt = performance.now() + LONGEST_MS;
    /** Storages that another lane is at, or that have failed. */
    const busy = new Set<string>();
    const takeBack = createTakeBack(deps, pass.signal);

    let turn: Promise<void> = Promise.resolve();
    /** Waits until no other lane is choosing; the returned function lets the next one choose. */
    const takeTurn = async (): Promise<() => void> => {
      const before = turn;
      const mine = Promise.withResolvers<void>();
      turn = mine.promise;
      await before;
      return mine.resolve;
    };

    const takeNext = async (): Promise<TakeBackOutcome> => {
      const endTurn = await takeTurn();
      let storage = '';
      try {
        const outcome = await deps.uploads.takeBack({ busy: [...busy] }, (left) => {
          storage = storageOf(left);
          busy.add(storage);
          endTurn();
          return takeBack(left);
        });
        if (outcome === 'done') busy.delete(storage);
        return outcome;
      } finally {
        endTurn();
      }
    };
    const lane = async (): Promise<void> => {
      while (!pass.signal.aborted && performance.now() < endsAt) {
        if ((await takeNext()) === 'nothing') return;
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: PARALLEL_STORAGES }, lane));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
}
