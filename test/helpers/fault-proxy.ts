import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way to the store, or to its answer. */
export type Fault =
  /** The store never hears of it. */
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'instead'; readonly status: number; readonly body: string }
  | { readonly kind: 'reset' }
  /** No answer, and the connection stays. */
  | { readonly kind: 'hang' }
  /** The store did it, and the answer is lost. */
  | { readonly kind: 'lost' }
  /** The connection ends after so many bytes of the answer's body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing comes after so many bytes of the answer's body, and the connection stays. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** The answer ends after so many bytes and does not say how many it has. */
  | { readonly kind: 'unsized'; readonly afterBytes: number }
  /** The answer ends early and says, in its length, that it is whole. */
  | { readonly kind: 'short'; readonly byBytes: number }
  /** The answer's headers tell another length than the object has; for `HEAD`. */
  | { readonly kind: 'lying'; readonly byBytes: number }
  /** The answer says that it is of another version of the object. */
  | { readonly kind: 'version' }
  /** One byte of the answer's body is another one. */
  | { readonly kind: 'flip' };

/** A request, as far as a test tells them apart. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Counted from 1. */
  readonly number: number;
}

/** Stands between a storage driver and a real store, and breaks what a test wants broken. */
export class FaultProxy {
  readonly requests: ProxiedRequest[] = [];
  /** Decides for each request; undefined lets it pass. */
  fault: (request: ProxiedRequest) => Fault | undefined | Promise<Fault | undefined> = () =>
    undefined;
  /** How long each request waits before it goes on. */
  delayMs = 0;
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, outgoing) => {
    setTimeout(() => void this.#forward(incoming, outgoing), this.delayMs);
  });

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const one = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      number: this.requests.length + 1,
    };
    this.requests.push(one);
    const fault = await this.fault(one);
    if (fault?.kind === 'hang') return void incoming.resume();
    if (fault?.kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'status') {
      incoming.resume();
      incoming.once('end', () => outgoing.writeHead(fault.status).end());
      return;
    }
    if (fault?.kind === 'instead') {
      incoming.resume();
      incoming.once('end', () => {
        outgoing.writeHead(fault.status, { 'content-type': 'application/xml' }).end(fault.body);
      });
      return;
    }
    // the signature covers the host that the driver speaks to: it goes on as it came
    const passed = request(
      {
        agent: this.#agent,
        host: this.#target.hostname,
        port: this.#target.port,
        method: one.method,
        path: one.url,
        headers: incoming.headers,
      },
      (answer) => this.#answer(answer, incoming, outgoing, fault),
    );
    passed.once('error', () => outgoing.destroy());
    incoming.once('close', () => {
      if (!incoming.complete) passed.destroy();
    });
    incoming.pipe(passed);
  }

  #answer(
    answer: IncomingMessage,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    fault: Fault | undefined,
  ): void {
    if (fault?.kind === 'lost') {
      answer.resume();
      incoming.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    if (fault === undefined) {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      return;
    }
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.once('end', () => {
      const body = Buffer.concat(chunks);
      const headers = { ...answer.headers };
      let sent = body;
      if (fault.kind === 'short') {
        sent = body.subarray(0, Math.max(0, body.length - fault.byBytes));
        headers['content-length'] = String(sent.length);
      }
      if (fault.kind === 'lying') {
        headers['content-length'] = String(Number(headers['content-length']) + fault.byBytes);
      }
      if (fault.kind === 'version') headers.etag = '"another"';
      if (fault.kind === 'unsized') {
        sent = body.subarray(0, fault.afterBytes);
        delete headers['content-length'];
      }
      if (fault.kind === 'flip' && body.length > 0) {
        const at = Math.floor(body.length / 2);
        body[at] = (body[at] ?? 0) ^ 1;
      }
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      if (fault.kind === 'stall') return void outgoing.write(body.subarray(0, fault.afterBytes));
      if (fault.kind !== 'cut') return void outgoing.end(sent);
      outgoing.write(body.subarray(0, fault.afterBytes), () => incoming.socket.destroy());
    });
  }
}
