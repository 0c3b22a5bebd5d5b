import { setTimeout as delay } from 'node:timers/promises';
import { type ClaimedStream, claimStreams } from '../../src/store/deliveries.ts';
import { getBacklog, markDrained } from '../../src/store/endpoints.ts';
import type { DrainInput, DrainResult } from './contract.ts';
import type { Watch } from '../../src/store/work-signal.ts';
import { CLAIM_SECONDS, type SendDeps, sendStream } from './send-stream.ts';

/** What a drain is given. */
export interface DrainDeps extends SendDeps {
  /** Watches for deliveries that are added to an endpoint. */
  readonly watch: (endpointId: number) => Watch;
  /** How long a drain with nothing to do waits for more before it ends, milliseconds. Default 2000. */
  readonly lingerMs?: number;
}

/** Streams sent to one endpoint at once. */
const PARALLEL = 4;

const LINGER_MS = 2000;
const POLL_MS = 500;

/** Between two looks that found nothing: events that are told one after the other are taken together. */
const PAUSE_MS = 20;

/** After this long a drain ends and its workflow starts another, so that no attempt is endless. */
const LONGEST_MS = 60_000;

/** How long the endpoint counts as being served after the last sign of this drain. */
const LEASE_SECONDS = 15;
const LEASE_RENEWAL_MS = 5000;
const HEARTBEAT_MS = 2000;

/**
 * Sends what is due at one endpoint, four streams at a time, each in its own order, until nothing new
 * has come for two seconds or a minute has passed. What it holds is given back when it is aborted;
 * what a dead drain held comes free by itself.
 */
export async function drainEndpoint(
  deps: DrainDeps,
  input: DrainInput,
  options: { readonly signal: AbortSignal; readonly heartbeat: (details: unknown) => void },
): Promise<DrainResult> {
  const { db, log } = deps;
  const { endpointId } = input;
  const endsAt = performance.now() + LONGEST_MS;
  const mayGoOn = (): boolean => !options.signal.aborted && performance.now() < endsAt;
  const sending = new Set<Promise<void>>();
  let lastFailure: string | null = null;
  let busyAt = performance.now();

  const send = (stream: ClaimedStream): void => {
    const sent = sendStream(deps, stream, { signal: options.signal, mayGoOn })
      .then((fault) => {
        lastFailure = fault ?? lastFailure;
      })
      .catch((error: unknown) => {
        if (options.signal.aborted) return;
        log.warn({ err: error, endpointId }, 'stream not sent; it comes free again');
      })
      .finally(() => sending.delete(sent));
    sending.add(sent);
  };

  await markDrained(db, endpointId, LEASE_SECONDS);
  const work = deps.watch(endpointId);
  const beat = setInterval(() => options.heartbeat({ lastFailure }), HEARTBEAT_MS);
  let renewal: Promise<void> | undefined;
  const lease = setInterval(() => {
    renewal = markDrained(db, endpointId, LEASE_SECONDS).catch((error: unknown) => {
      log.warn({ err: error, endpointId }, 'lease of the endpoint not renewed');
    });
  }, LEASE_RENEWAL_MS);
  try {
    while (mayGoOn()) {
      const room = PARALLEL - sending.size;
      work.look();
      const streams =
        room > 0 ? await claimStreams(db, endpointId, room, CLAIM_SECONDS, sending.size === 0) : [];
      streams.forEach(send);
      if (sending.size > 0) busyAt = performance.now();
      if (sending.size === PARALLEL) await Promise.race(sending);
      else if (streams.length === 0) {
        if (performance.now() - busyAt > (deps.lingerMs ?? LINGER_MS)) break;
        await Promise.race([work.wait(POLL_MS), ...sending]);
        await delay(PAUSE_MS);
      }
    }
  } finally {
    await Promise.all(sending);
    clearInterval(beat);
    clearInterval(lease);
    await renewal;
    work.close();
    // from here on a new delivery makes the dispatcher wake the workflow; what came before is counted below
    await markDrained(db, endpointId, 0);
  }
  options.signal.throwIfAborted();
  const { streams, nextDueSeconds, failures, probeSeconds } = await getBacklog(db, endpointId);
  return { pendingStreams: streams, nextDueSeconds, failures, probeSeconds, lastFailure };
}
