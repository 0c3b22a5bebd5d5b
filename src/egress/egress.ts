import type { LookupFunction } from 'node:net';
import type { Agent } from 'undici';
import product from '../../package.json' with { type: 'json' };
import { createAgents } from './agents.ts';
import type { TlsOptions } from './tls-options.ts';
import { attempt, type EgressRequest, type FailedRequest } from './attempt.ts';

/** A request with a JSON body to a client's URL. */
export interface PostRequest extends EgressRequest {
  /** The body's text, sent as it is. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: certificates are verified, none is shown. */
  readonly tls?: TlsOptions;
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
  | FailedRequest;

/** The way out for callbacks. */
export interface Egress {
  /** Never throws for what a receiver or the network does; throws when `signal` aborts. */
  postJson(request: PostRequest): Promise<PostResult>;
  close(): Promise<void>;
}

const CONNECTIONS_PER_ORIGIN = 64;
const READ_BYTES = 64 * 1024;
const KEPT_BYTES = 2 * 1024;

/** Makes an {@link Egress}. Redirects are not followed. */
export function createEgress(options: { readonly lookup?: LookupFunction } = {}): Egress {
  const agents = createAgents({
    connectionsPerOrigin: CONNECTIONS_PER_ORIGIN,
    lookup: options.lookup,
  });
  return {
    postJson: (request) =>
      attempt(request, (signal) =>
        exchange(agents.agentFor(request.allowedNetworks, request.tls), request, signal),
      ),
    close: () => agents.close(),
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
