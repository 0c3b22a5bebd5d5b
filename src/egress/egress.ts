import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import product from '../../package.json' with { type: 'json' };
import { assessUrl } from './assess-url.ts';
import { BlockedAddressError, createGuardedConnector } from './connector.ts';
import { classifyFailure, type FailureClass } from './failure-class.ts';

/** A request with a JSON body to a client's URL. */
export interface PostRequest {
  readonly url: string;
  /** The body's text, sent as it is. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** CIDR blocks besides the public networks that it may lead to. */
  readonly allowedNetworks: readonly string[];
  /** From the request's start to the end of the answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** What came of a request. */
export type PostResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** First 2 KB of the answer, undecoded bytes read as UTF-8. */
      readonly answer: string;
      /** `Retry-After` as it was sent, null where it was not. */
      readonly retryAfter: string | null;
    }
  | { readonly kind: 'failed'; readonly failure: FailureClass; readonly message: string };

/** The only way out to foreign addresses. */
export interface Egress {
  /** Never throws for what a receiver or the network does; throws when `signal` aborts. */
  postJson(request: PostRequest): Promise<PostResult>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5000;
const READ_BYTES = 64 * 1024;
const KEPT_BYTES = 2 * 1024;
const POOLS = 200;

/**
 * Makes an {@link Egress}. Connections are pooled apart for each set of allowed networks, so that one
 * tenant's allowance never opens a socket for another. Redirects are not followed.
 */
export function createEgress(options: { readonly lookup?: LookupFunction } = {}): Egress {
  const agents = new Map<string, Agent>();

  const agentFor = (allowedNetworks: readonly string[]): Agent => {
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
    const agent = new Agent({
      connect: createGuardedConnector({
        allowedNetworks,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        rejectUnauthorized: true,
        ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      }),
      connections: 64,
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      maxHeaderSize: 16 * 1024,
    });
    agents.set(key, agent);
    return agent;
  };

  return {
    postJson: async (request) => {
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
        const answer = exchange(agentFor(request.allowedNetworks), request, stop.signal);
        return await Promise.race([answer, stopped]);
      } catch (error) {
        request.signal?.throwIfAborted();
        return { kind: 'failed', ...classifyFailure(error, isTimedOut) };
      } finally {
        clearTimeout(limit);
        request.signal?.removeEventListener('abort', follow);
      }
    },
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

async function exchange(
  agent: Agent,
  request: PostRequest,
  signal: AbortSignal,
): Promise<PostResult> {
  const url = new URL(request.url);
  const { statusCode, headers, body } = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: 'POST',
    headers: {
      ...request.headers,
      'content-type': 'application/json',
      'user-agent': `task-engine/${product.version}`,
    },
    body: request.body,
    signal,
    headersTimeout: request.timeoutMs,
    bodyTimeout: request.timeoutMs,
  });
  const retryAfter = headers['retry-after'];
  return {
    kind: 'answered',
    status: statusCode,
    answer: await readAnswer(body),
    retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
  };
}

/** Reads an answer up to its cap and hangs up on what is longer. */
async function readAnswer(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const kept: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    if (sizeBytes < KEPT_BYTES) kept.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > READ_BYTES) {
      body.destroy();
      break;
    }
  }
  return Buffer.concat(kept)
    .subarray(0, KEPT_BYTES)
    .toString('utf8')
    .replaceAll('\u0000', '\uFFFD');
}
