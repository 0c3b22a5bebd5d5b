import type { Egress } from '../../src/egress/egress.ts';
import type { Logger } from '../../src/log/logger.ts';
import type { Db } from '../../src/store/db.ts';
import { claimStreams, getBacklog, markDrained } from '../../src/store/deliveries.ts';
import type { DrainInput, DrainResult } from './contract.ts';
import { CLAIM_SECONDS, sendStream } from './send-stream.ts';

/** What a drain is given. */
export interface DrainDeps {
  readonly db: Db;
  readonly egress: Egress;
  readonly log: Logger;
  /** Seconds to wait after each failed attempt; used up means given up. */
  readonly retryWaitsSeconds: readonly number[];
  /** Resolves when deliveries may have been added, or after `timeoutMs`. */
  readonly waitForWork: (timeoutMs: number) => Promise<void>;
}

/** Streams sent to one endpoint at once. */
const PARALLEL = 4;

/** A drain with nothing to do waits this long for more before it ends. */
const LINGER_MS = 2000;
const POLL_MS = 500;

/** After this long a drain ends and its workflow starts another, so that no attempt is endless. */
const LONGEST_MS = 60_000;

/** How long the endpoint counts as being served after the last sign of this drain. */
const LEASE_SECONDS = 15;
const LEASE_RENEWAL_MS = 5000;

/**
 * Sends what is due at one endpoint, four streams at a time, each in its own order, until nothing new
 * has come for two seconds. What it holds is given back when it is aborted; what a dead drain held
 * comes free by itself.
 */
export async function drainEndpoint(
  deps: DrainDeps,
  input: DrainInput,
  options: { readonly signal: AbortSignal; readonly heartbeat: (details: unknown) => void },
): Promise<DrainResult> {
  const { endpointId } = input;
  const startedAt = Date.now();
  const sending = new Set<Promise<void>>();
  let lastFailure: string | null = null;
  let sent = 0;
  let leasedAt = 0;
  let busyAt = Date.now();

  const send = (stream: Parameters<typeof sendStream>[1]): void => {
    const work = sendStream(deps, stream, options.signal)
      .then((fault) => {
        sent += 1;
        lastFailure = fault ?? lastFailure;
      })
      .catch((error: unknown) => {
        if (!options.signal.aborted)
          deps.log.warn({ err: error, endpointId }, 'stream not sent; it comes free again');
      })
      .finally(() => sending.delete(work));
    sending.add(work);
  };

  const isOver = (): boolean => options.signal.aborted || Date.now() - startedAt > LONGEST_MS;
  const beat = setInterval(() => options.heartbeat({ sent, lastFailure }), 2000);
  try {
    while (!isOver()) {
      if (Date.now() - leasedAt > LEASE_RENEWAL_MS) {
        await markDrained(deps.db, endpointId, LEASE_SECONDS);
        leasedAt = Date.now();
      }
      const room = PARALLEL - sending.size;
      const streams = room > 0 ? await claimStreams(deps.db, endpointId, room, CLAIM_SECONDS) : [];
      streams.forEach(send);
      if (streams.length > 0 || sending.size > 0) busyAt = Date.now();
      if (sending.size === PARALLEL) await Promise.race(sending);
      else if (streams.length === 0) {
        if (Date.now() - busyAt > LINGER_MS) break;
        await Promise.race([deps.waitForWork(POLL_MS), ...sending]);
      }
    }
  } finally {
    clearInterval(beat);
    await Promise.all(sending);
    // from here on a new delivery makes the dispatcher wake the workflow; what came before is counted below
    await markDrained(deps.db, endpointId, 0);
  }
  options.signal.throwIfAborted();
  const backlog = await getBacklog(deps.db, endpointId);
  return { pendingStreams: backlog.streams, nextDueSeconds: backlog.nextDueSeconds, lastFailure };
}
