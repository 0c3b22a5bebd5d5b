import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the sink saw it. */
export interface SinkRequest {
  readonly path: string;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** What it was answered; 0 where it got no answer. */
  readonly status: number;
}

/** A status to answer, `drop` to break the connection off, `hang` to say nothing until it is closed. */
export type SinkAnswer = number | 'drop' | 'hang';

/** A receiver of callbacks on loopback that writes each request down before it answers. */
export class CallbackSink {
  readonly requests: SinkRequest[] = [];
  readonly #server;
  readonly #answer: (request: Omit<SinkRequest, 'status'>) => SinkAnswer;

  /** `answer` says what each request gets; 200 by default. */
  constructor(answer: (request: Omit<SinkRequest, 'status'>) => SinkAnswer = () => 200) {
    this.#answer = answer;
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(path = '/callback'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Bodies that were answered 2xx, of one job and path, in the order of their first success. */
  delivered(jobId: number, path = '/callback'): readonly Readonly<Record<string, unknown>>[] {
    return this.requests
      .filter(
        (one) =>
          one.path === path &&
          one.status >= 200 &&
          one.status < 300 &&
          one.body['job_id'] === jobId,
      )
      .map((one) => one.body);
  }

  /** Whether a job's end has been delivered to a path. */
  hasEnd(jobId: number, path = '/callback'): boolean {
    return this.delivered(jobId, path).some((body) => body['status'] !== undefined);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    // characters that two chunks share stay whole
    request.setEncoding('utf8');
    for await (const chunk of request) text += String(chunk);
    const seen = {
      path: request.url ?? '/',
      text,
      headers: request.headers,
      body: JSON.parse(text) as Readonly<Record<string, unknown>>,
    };
    const answer = this.#answer(seen);
    const status = typeof answer === 'number' ? answer : 0;
    this.requests.push({ ...seen, status });
    if (answer === 'drop') request.socket.destroy();
    else if (status > 0) response.writeHead(status).end();
  }
}

/** What is wrong with the order of a job's callbacks; empty where nothing is. */
export function orderFaults(
  bodies: readonly Readonly<Record<string, unknown>>[],
): readonly string[] {
  const faults: string[] = [];
  const started = new Set<unknown>();
  const ended = new Set<unknown>();
  bodies.forEach((body, at) => {
    const task = body['task_id'];
    if (body['status'] !== undefined) {
      if (at !== bodies.length - 1) faults.push('job end is not last');
    } else if (body['event'] === 'start') {
      if (started.has(task)) faults.push(`task ${String(task)} started twice`);
      started.add(task);
    } else {
      if (!started.has(task)) faults.push(`task ${String(task)} ended before its start`);
      if (ended.has(task)) faults.push(`task ${String(task)} ended twice`);
      ended.add(task);
    }
  });
  for (const task of started) if (!ended.has(task)) faults.push(`task ${String(task)} has no end`);
  return faults;
}
