import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { createGuardedConnector } from './connector.ts';

/** Guarded connection pools, one for each set of allowed networks. */
export interface Agents {
  readonly agentFor: (allowedNetworks: readonly string[]) => Agent;
  /** Breaks off what is under way. */
  readonly close: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5000;
const POOLS = 200;

/**
 * Makes {@link Agents}. Connections are pooled apart for each set of allowed networks, so that one
 * tenant's allowance never opens a socket for another.
 */
export function createAgents(options: {
  /** Connections to one origin at once; further requests wait, and their time runs. */
  readonly connectionsPerOrigin: number;
  /** Resolves names; the system's by default. */
  readonly lookup?: LookupFunction | undefined;
}): Agents {
  const agents = new Map<string, Agent>();

  const create = (allowedNetworks: readonly string[]): Agent =>
    new Agent({
      connect: createGuardedConnector({
        allowedNetworks,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        rejectUnauthorized: true,
        ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      }),
      connections: options.connectionsPerOrigin,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      maxHeaderSize: 16 * 1024,
    });

  return {
    agentFor: (allowedNetworks) => {
      const key = [...allowedNetworks].sort().join(' ');
      const known = agents.get(key);
      if (known !== undefined) return known;
      if (agents.size >= POOLS) {
        const [oldest] = agents;
        if (oldest !== undefined) {
          agents.delete(oldest[0]);
          void oldest[1].close();
        }
      }
      const agent = create(allowedNetworks);
      agents.set(key, agent);
      return agent;
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}
