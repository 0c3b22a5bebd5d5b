import { setTimeout as delay } from 'node:timers/promises';
import { admitJobs } from '../../src/store/admission.ts';
import { getScheduleIntervals } from '../../src/store/schedule-intervals.ts';
import { isLookDue, queueDueJobs } from '../../src/store/scheduled-jobs.ts';
import { type ClaimedSemaphore, claimSemaphores, hastenLooks } from '../../src/store/semaphores.ts';
import type { QueuePassResult } from './contract.ts';
import { type Pass, withHeartbeat } from './pass.ts';
import { type PollDeps, pollSemaphore } from './poll-semaphore.ts';

/** Semaphores that one pass asks at once. */
export const PARALLEL_POLLS = 256;

/** Jobs queued by one statement. */
const BATCH = 500;

/** While semaphores are being asked, newly due jobs are looked for this often. */
const LOOK_MS = 1000;

/** Between two looks at the least: answers come one by one. */
const PAUSE_MS = 50;

/** No semaphore is asked after this; with the time that one may take a pass lasts less than a minute. */
const LONGEST_POLLING_MS = 40_000;
const LONGEST_MS = 55_000;

/** A pass does not end when the next look is as near as that: ticks are not exact to the millisecond. */
const LINGER_SECONDS = 2;

/**
 * One pass over the scheduled jobs: queues those whose time has come, asks the semaphores of those that
 * have one, and admits what it queued. Goes on while semaphores are being asked, so that no hanging one
 * keeps other jobs waiting. Throws when it is called off; what it holds is given back.
 */
export async function queueScheduledJobs(deps: PollDeps, pass: Pass): Promise<QueuePassResult> {
  const { db, log } = deps;
  const endsAt = performance.now() + LONGEST_MS;
  const endsPollingAt = performance.now() + LONGEST_POLLING_MS;
  const failing = new AbortController();
  const signal = AbortSignal.any([pass.signal, failing.signal]);
  const polling = new Set<Promise<void>>();
  const toAdmit = new Set<number>();
  const done = { queued: 0, polls: 0 };

  const poll = (claim: ClaimedSemaphore): void => {
    done.polls += 1;
    const work = pollSemaphore(deps, claim, signal)
      .then((queued) => {
        done.queued += queued;
        if (queued > 0) toAdmit.add(claim.tenantId);
      })
      .catch((error: unknown) => {
        log.warn({ err: error, tenantId: claim.tenantId }, 'semaphore not asked; it is due again');
      })
      .finally(() => polling.delete(work));
    polling.add(work);
  };

  const admit = async (): Promise<void> => {
    for (const tenantId of toAdmit) {
      toAdmit.delete(tenantId);
      await admitJobs(db, tenantId);
    }
  };

  /** Queues and claims what is due now; true where more may be. */
  const look = async (): Promise<boolean> => {
    const tenants = await queueDueJobs(db, BATCH);
    done.queued += tenants.length;
    for (const tenantId of tenants) toAdmit.add(tenantId);
    const isPolling = performance.now() < endsPollingAt;
    const room = isPolling ? PARALLEL_POLLS - polling.size : 0;
    const claims = room > 0 ? await claimSemaphores(db, room, await getScheduleIntervals(db)) : [];
    claims.forEach(poll);
    await admit();
    return tenants.length === BATCH || (isPolling && claims.length === room);
  };

  const run = async (): Promise<void> => {
    await hastenLooks(db, await getScheduleIntervals(db));
    for (;;) {
      pass.signal.throwIfAborted();
      const hasMore = await look();
      if (polling.size === 0 && !hasMore && toAdmit.size === 0) {
        const isPolling = performance.now() < endsPollingAt;
        if (!isPolling || !(await isLookDue(db, LINGER_SECONDS))) return;
      }
      if (performance.now() > endsAt) return;
      await untilNextLook(polling, hasMore, pass.signal);
    }
  };

  try {
    await withHeartbeat(pass, () => ({ ...done, asking: polling.size }), run);
  } catch (error) {
    failing.abort();
    throw error;
  } finally {
    await Promise.all(polling);
  }
  return done;
}

/** Waits a second, or until all polls have ended, or, where more is to be done, until one of them has. */
async function untilNextLook(
  polling: ReadonlySet<Promise<void>>,
  hasMore: boolean,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const wait = delay(LOOK_MS, undefined, { signal: AbortSignal.any([signal, stop.signal]) }).catch(
    () => undefined,
  );
  if (polling.size > 0) {
    await Promise.race([wait, hasMore ? Promise.race(polling) : Promise.all(polling)]);
    stop.abort();
    await delay(PAUSE_MS);
  } else if (!hasMore) await wait;
  stop.abort();
}
