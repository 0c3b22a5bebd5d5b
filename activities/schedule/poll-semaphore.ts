import {
  describeRefusal,
  isSemaphoreOpen,
  SEMAPHORE_TIMEOUT_MS,
} from '../../src/domain/semaphore.ts';
import type { Probe } from '../../src/egress/probe.ts';
import type { Logger } from '../../src/log/logger.ts';
import type { Db } from '../../src/store/db.ts';
import {
  type ClaimedSemaphore,
  openSemaphore,
  refuseSemaphore,
  releaseSemaphore,
} from '../../src/store/semaphores.ts';

/** What asking semaphores is given. */
export interface PollDeps {
  readonly db: Db;
  readonly log: Logger;
  readonly probe: Probe;
}

/**
 * Asks a claimed semaphore once and keeps what it said; resolves to the number of jobs that it let into
 * the queue. A claim is given back when `signal` aborts.
 */
export async function pollSemaphore(
  deps: PollDeps,
  claim: ClaimedSemaphore,
  signal: AbortSignal,
): Promise<number> {
  const { db, log } = deps;
  try {
    const result = await deps.probe.getStatus({
      url: claim.url,
      allowedNetworks: claim.allowedNetworks,
      timeoutMs: SEMAPHORE_TIMEOUT_MS,
      signal,
    });
    const answer = result.kind === 'answered' ? result.status : 'none';
    // an answer that came too late for a pass that was called off is none
    signal.throwIfAborted();
    if (isSemaphoreOpen(answer)) return await openSemaphore(db, claim);
    const message = describeRefusal(answer, claim.intervalSeconds);
    const told = await refuseSemaphore(db, claim, answer, message);
    if (told > 0 && result.kind === 'failed') {
      const { tenantId } = claim;
      log.info({ tenantId, jobs: told, failure: result.failure }, 'semaphore gave no answer');
    }
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    await releaseSemaphore(db, claim);
    return 0;
  }
}
