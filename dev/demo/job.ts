import type { BootstrapTenant } from '../../src/config/config.ts';
import { SetupError } from '../setup/error.ts';
import { type ReceivedCallback, startReceiver } from './receiver.ts';

const LIMIT_MS = 30 * 60 * 1000;
const LOOK_MS = 5_000;

/** Callbacks of a job that has ended come within moments; without them this long, something is wrong. */
const SILENCE_MS = 60_000;

/** A job that has ended. */
export interface EndedJob {
  readonly id: number;
  readonly end: ReceivedCallback;
}

/** A row of a job's log. */
interface LogRow {
  readonly created_at: string;
  readonly severity_description: string;
  readonly progname: string;
  readonly message: string;
}

/** Calls an engine's API as one of its tenants. */
export class DemoApi {
  readonly #url: string;
  readonly #tenant: BootstrapTenant;

  constructor(url: string, tenant: BootstrapTenant) {
    this.#url = url;
    this.#tenant = tenant;
  }

  /**
   * Packages the folder `source`; hands each callback over as it arrives and resolves with the job's own.
   * Throws {@link SetupError} where the job is refused, takes over 30 minutes, or ends without a
   * callback that says so; throws the reason of `signal` when that ends the wait.
   */
  async runJob(
    source: string,
    listener: {
      readonly onSubmit: (id: number) => void;
      readonly onCallback: (callback: ReceivedCallback) => void;
    },
    signal: AbortSignal,
  ): Promise<EndedJob> {
    const ended = Promise.withResolvers<ReceivedCallback>();
    const early: ReceivedCallback[] = [];
    let isSubmitted = false;
    let heardAt = performance.now();
    const show = (callback: ReceivedCallback): void => {
      heardAt = performance.now();
      listener.onCallback(callback);
      if (callback.status !== undefined) ended.resolve(callback);
    };
    const receiver = await startReceiver((callback) => {
      if (isSubmitted) show(callback);
      else early.push(callback);
    });
    const limit = setTimeout(
      () =>
        ended.reject(new SetupError(`The job has not ended within ${LIMIT_MS / 60_000} minutes`)),
      LIMIT_MS,
    );
    const stop = () => ended.reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    let look: NodeJS.Timeout | undefined;
    try {
      const id = await this.#submit(source, receiver.url);
      listener.onSubmit(id);
      isSubmitted = true;
      early.forEach(show);
      look = setInterval(() => {
        if (performance.now() - heardAt < SILENCE_MS) return;
        void this.#hasEnded(id).then((hasEnded) => {
          const message = `Job ${id} has ended, but its callbacks do not arrive at ${receiver.url}`;
          if (hasEnded) ended.reject(new SetupError(message));
        });
      }, LOOK_MS);
      return { id, end: await ended.promise };
    } finally {
      clearTimeout(limit);
      clearInterval(look);
      signal.removeEventListener('abort', stop);
      await receiver.close();
    }
  }

  /** A job's log as lines for people. */
  async readLog(jobId: number): Promise<string> {
    const rows = (await (await this.#request(`/logs/${jobId}`)).json()) as readonly LogRow[];
    return rows
      .map((row) => {
        const severity = row.severity_description.toUpperCase();
        return `${row.created_at} ${severity.padEnd(5)} ${row.progname}: ${row.message}\n`;
      })
      .join('');
  }

  /** False also where the api does not answer: it may be starting again. */
  async #hasEnded(jobId: number): Promise<boolean> {
    try {
      const job = (await (await this.#request(`/jobs/${jobId}`)).json()) as Record<string, unknown>;
      return job['queue_state'] === 'completed';
    } catch {
      return false;
    }
  }

  async #submit(source: string, callbackUrl: string): Promise<number> {
    const response = await this.#request('/job', {
      method: 'POST',
      body: JSON.stringify({
        job: { workflow: 'vodstream' },
        parameters: {
          content_id: 'demo',
          source_folder: source,
          output_folder: 'demo',
          generate_mp4: true,
          rest_endpoints: [callbackUrl],
          custom_data: { from: 'npm run demo' },
        },
      }),
    });
    const answer = (await response.json()) as { readonly id?: number; readonly error?: string };
    if (response.ok && answer.id !== undefined) return answer.id;
    throw new SetupError(`The job was refused: ${answer.error ?? response.status}`);
  }

  #request(path: string, options: RequestInit = {}): Promise<Response> {
    const { name, apiKey } = this.#tenant;
    return fetch(`${this.#url}${path}`, {
      ...options,
      headers: { client: name, 'api-key': apiKey, 'content-type': 'application/json' },
    });
  }
}
