import type { ErrorHandler, NotFoundHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { InvalidSubmissionError } from '../src/contract/fault.ts';
import { ImpossibleChangeError } from '../src/domain/job-change.ts';
import type { Logger } from '../src/log/logger.ts';
import type { ApiEnv } from './deps.ts';

/** Statuses that the API answers with besides 200. */
export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 503;

/** An answer other than success; `{"error": message}` on the wire. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ErrorStatus,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    options?: { readonly cause: unknown },
  ) {
    super(message, options);
    this.status = status;
    this.headers = headers;
  }
}

/** The API's only border for errors: what is not meant for clients is logged and told as a 500. */
export function createErrorHandler(log: Logger): ErrorHandler<ApiEnv> {
  return (error, c) => {
    if (error instanceof ApiError) {
      if (error.status >= 500) {
        const reason = error.message;
        log.warn({ requestId: c.get('requestId'), reason }, 'request could not be served');
      }
      return c.json({ error: error.message }, error.status, error.headers);
    }
    if (error instanceof InvalidSubmissionError || error instanceof ImpossibleChangeError) {
      return c.json({ error: error.message }, 400);
    }
    if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
    log.error({ err: error, requestId: c.get('requestId') }, 'request failed');
    const isSubmission = c.req.method === 'POST' && c.req.path === '/job';
    return c.json({ error: isSubmission ? 'Unable to create job request' : 'Internal error' }, 500);
  };
}

/** Unknown routes. */
export const notFound: NotFoundHandler<ApiEnv> = (c) =>
  c.json({ error: `There is no ${c.req.method} ${c.req.path}` }, 404);
