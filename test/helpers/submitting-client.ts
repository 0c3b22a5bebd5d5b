import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

const RETRY_MS = 100;
const GIVE_UP_MS = 60_000;

/** A client that keeps every id it was given, and sends a submission again until it has an answer. */
export class SubmittingClient {
  /** Ids by the `Idempotency-Key` of the submission. */
  readonly accepted = new Map<string, number>();
  /** Requests that got no answer, or one of 500 and more. */
  retries = 0;
  readonly #url: string;
  readonly #callbackUrl: string;

  constructor(apiUrl: string, callbackUrl: string) {
    this.#url = `${apiUrl}/job`;
    this.#callbackUrl = callbackUrl;
  }

  /**
   * Submits a job whose source does not exist: it runs its first task, which fails, and ends. Throws where
   * it is refused.
   */
  async submit(priority = 5): Promise<number> {
    const key = randomUUID();
    const body = JSON.stringify({
      job: { workflow: 'vodstream', priority },
      parameters: {
        content_id: key,
        source_folder: `missing/${key}`,
        rest_endpoints: [this.#callbackUrl],
      },
    });
    const deadline = Date.now() + GIVE_UP_MS;
    for (;;) {
      const id = await this.#post(key, body);
      if (id !== undefined) {
        this.accepted.set(key, id);
        return id;
      }
      this.retries += 1;
      if (Date.now() > deadline) throw new Error(`no answer to ${key}`);
      await delay(RETRY_MS);
    }
  }

  /** Submits from several connections until `isOver` or the count is reached. */
  async submitMany(options: {
    readonly lanes: number;
    readonly count?: number;
    readonly isOver?: () => boolean;
    /** Between two submissions of a connection. Default 0. */
    readonly pauseMs?: number;
  }): Promise<void> {
    let left = options.count ?? Number.POSITIVE_INFINITY;
    const lane = async (): Promise<void> => {
      while (left > 0 && options.isOver?.() !== true) {
        left -= 1;
        await this.submit();
        await delay(options.pauseMs ?? 0);
      }
    };
    await Promise.all(Array.from({ length: options.lanes }, lane));
  }

  async #post(key: string, body: string): Promise<number | undefined> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: {
          client: 'acme',
          'api-key': 'acme-secret-1',
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body,
        signal: AbortSignal.timeout(20_000),
      });
      const answer = (await response.json()) as { readonly id?: number; readonly error?: string };
      if (response.status >= 500) return undefined;
      if (answer.id === undefined) throw new RefusedError(`${response.status}: ${answer.error}`);
      return answer.id;
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      return undefined;
    }
  }
}

/** A submission was refused. */
class RefusedError extends Error {
  override readonly name = 'RefusedError';
}
