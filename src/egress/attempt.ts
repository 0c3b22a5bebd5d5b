import { assessUrl } from './assess-url.ts';
import { BlockedAddressError } from './connector.ts';
import { classifyFailure, type FailureClass } from './failure-class.ts';

/** What every request to a client's URL says. */
export interface EgressRequest {
  readonly url: string;
  /** CIDR blocks besides the public networks that it may lead to. */
  readonly allowedNetworks: readonly string[];
  /** From the request's start to the end of the answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A request that got no answer. */
export interface FailedRequest {
  readonly kind: 'failed';
  readonly failure: FailureClass;
  /** For people; no address of ours is in it. */
  readonly message: string;
}

/**
 * Runs `exchange` for a URL that may be called, within the request's time. Never throws for what a
 * receiver or the network does; throws when the request's signal aborts.
 */
export async function attempt<Result>(
  request: EgressRequest,
  exchange: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | FailedRequest> {
  request.signal?.throwIfAborted();
  const stop = new AbortController();
  let isTimedOut = false;
  const limit = setTimeout(() => {
    isTimedOut = true;
    stop.abort();
  }, request.timeoutMs);
  const follow = (): void => stop.abort();
  request.signal?.addEventListener('abort', follow);
  // undici hears of an abort only once it is connected; it then sends nothing
  const stopped = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(new Error('stopped')));
  });
  try {
    const reason = assessUrl(request.url, request.allowedNetworks);
    if (reason !== undefined) throw new BlockedAddressError(reason);
    return await Promise.race([exchange(stop.signal), stopped]);
  } catch (error) {
    request.signal?.throwIfAborted();
    return { kind: 'failed', ...classifyFailure(error, isTimedOut) };
  } finally {
    clearTimeout(limit);
    request.signal?.removeEventListener('abort', follow);
  }
}
