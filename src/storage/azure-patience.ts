import { setTimeout as delay } from 'node:timers/promises';
import { type RequestPolicyFactory, RestError } from '@azure/storage-blob';

/** Slower bytes than these on their way up are taken for none: 8 MB may take four minutes more than an answer. */
const LEAST_BYTES_PER_MS = 32;

const MOST_TRIES = 3;
const FIRST_WAIT_MS = 500;

/** What gateways before a service say of it, and what asks for patience: the SDK tries 500 and 503 again alone. */
const PASSING: readonly (number | undefined)[] = [408, 429, 502, 504];

/**
 * Tries again what the SDK does not: calls that go unanswered, for which it waits for ever, and answers that
 * will pass. The body of an answer that is read as a stream is its reader's to watch.
 */
export function createAzurePatience(answerMs: number): RequestPolicyFactory {
  return {
    create: (next) => ({
      sendRequest: async (request) => {
        const sentBytes = Number(request.headers.get('content-length') ?? 0);
        // of each try that the SDK makes
        request.timeout = answerMs + sentBytes / LEAST_BYTES_PER_MS;
        for (let tries = 1; ; tries++) {
          try {
            return await next.sendRequest(request);
          } catch (error) {
            if (request.abortSignal?.aborted === true) throw error;
            // how the SDK says that the time is over, too
            const isUnanswered = error instanceof Error && error.name === 'AbortError';
            const isPassing = error instanceof RestError && PASSING.includes(error.statusCode);
            if (!isUnanswered && !isPassing) throw error;
            if (tries === MOST_TRIES) throw isUnanswered ? unanswered() : error;
            await delay(FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random()));
          }
        }
      },
    }),
  };
}

const unanswered = (): Error =>
  Object.assign(new Error('the storage did not answer in time'), { code: 'ETIMEDOUT' });
