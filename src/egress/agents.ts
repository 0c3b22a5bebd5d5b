import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { createGuardedConnector } from './connector.ts';
import type { TlsOptions } from './tls-options.ts';

const VERIFIED: TlsOptions = { isVerified: true, certificate: undefined };

/** Guarded connection pools, one for each set of allowed networks and way of speaking TLS. */
export interface Agents {
  readonly agentFor: (allowedNetworks: readonly string[], tls?: TlsOptions) => Agent;
  /** Breaks off what is under way. */
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5000;
const POOLS = 200;

/**
 * Makes {@link Agents}. Connections are pooled apart for each set of allowed networks and way of speaking
 * TLS, so that what one tenant is allowed, or gave up, never opens a socket for another.
 */
export function createAgents(options: {
  /** Connections to one origin at once; further requests wait, and their time runs. */
  readonly connectionsPerOrigin: number;
  /** Resolves names; the system's by default. */
  readonly lookup?: LookupFunction | undefined;
}): Agents {
  const agents = new Map<string, Agent>();

  const create = (allowedNetworks: readonly string[], tls: TlsOptions): Agent =>
    new Agent({
      connect: createGuardedConnector({
        allowedNetworks,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        tls,
        ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      }),
      connections: options.connectionsPerOrigin,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      maxHeaderSize: 16 * 1024,
    });

  return {
    agentFor: (allowedNetworks, tls = VERIFIED) => {
      const key = JSON.stringify([[...allowedNetworks].sort(), tls]);
      const known = agents.get(key);
      if (known !== undefined) return known;
      if (agents.size >= POOLS) {
        const [oldest] = agents;
        if (oldest !== undefined) {
          agents.delete(oldest[0]);
          void oldest[1].close();
        }
      }
      const agent = create(allowedNetworks, tls);
      agents.set(key, agent);
      return agent;
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}
