import type { LookupFunction } from 'node:net';
import product from '../../package.json' with { type: 'json' };
import { createAgents } from './agents.ts';
import { attempt, type EgressRequest, type FailedRequest } from './attempt.ts';

/** What came of asking. */
export type ProbeResult = { readonly kind: 'answered'; readonly status: number } | FailedRequest;

/** Asks clients' URLs for nothing but their status. */
export interface Probe {
  /**
   * Sends a GET. Redirects are not followed and the body is not read. Never throws for what a receiver
   * or the network does; throws when the request's signal aborts.
   */
  readonly getStatus: (request: EgressRequest) => Promise<ProbeResult>;
  readonly close: () => Promise<void>;
}

/** Makes a {@link Probe} with connections of its own: one that hangs takes none from the callbacks. */
export function createProbe(options: {
  /** Requests that run at once; even to one origin none of them waits for another. */
  readonly parallel: number;
  readonly lookup?: LookupFunction;
}): Probe {
  const agents = createAgents({
    connectionsPerOrigin: options.parallel,
    lookup: options.lookup,
  });
  return {
    getStatus: (request) =>
      attempt(request, async (signal) => {
        const url = new URL(request.url);
        const { statusCode, body } = await agents.agentFor(request.allowedNetworks).request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: 'GET',
          headers: { accept: '*/*', 'user-agent': `task-engine/${product.version}` },
          signal,
          headersTimeout: request.timeoutMs,
          bodyTimeout: request.timeoutMs,
        });
        // hung up on: what it says besides its status is nobody's business, however long it is
        body.on('error', () => undefined).destroy();
        return { kind: 'answered', status: statusCode } as const;
      }),
    close: () => agents.close(),
  };
}
