import type { z } from '@hono/zod-openapi';
import { ErrorJson } from '../../src/contract/answers.ts';
import type { ErrorStatus } from '../errors.ts';

/** Both headers of the contract's authentication. */
export const CREDENTIALS = [{ client: [], apiKey: [] }];

const REASONS: Readonly<Record<ErrorStatus, string>> = {
  400: 'The request cannot be; `error` names the field and says what would be right',
  401: 'Missing or wrong credentials',
  403: "The client's role does not allow it",
  404: 'No such job, or one of another client: the two look the same',
  405: 'The path takes other methods, named in `Allow`',
  409: 'It clashes with what is there; `error` says with what',
  413: 'The body is larger than 2 MiB',
  415: 'The body is not JSON, or is compressed',
  429: 'Too many requests; `Retry-After` says how many seconds to wait',
  500: 'Something failed on the server',
  503: "A part that this needs is down, or earlier requests of the client's are still under way; `error` says which",
};

/**
 * The answers of a route: success with a schema, and the errors it can give besides 500, and besides
 * 429 and 503 where it needs credentials.
 */
export function answers<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  errors: readonly ErrorStatus[],
) {
  const error = (status: ErrorStatus) => ({
    description: REASONS[status],
    content: { 'application/json': { schema: ErrorJson } },
  });
  const limited = errors.includes(401) ? ([429, 503] as const) : [];
  const statuses = new Set<ErrorStatus>([...errors, ...limited, 500]);
  return {
    200: { description, content: { 'application/json': { schema } } },
    ...(Object.fromEntries([...statuses].map((one) => [one, error(one)])) as Record<
      never,
      ReturnType<typeof error>
    >),
  };
}

/** The answers of a route whose success is also a page, for clients that prefer one. */
export const withPage = <Answers extends { readonly 200: { readonly content: object } }>(
  all: Answers,
): Answers => ({
  ...all,
  200: { ...all[200], content: { ...all[200].content, 'text/html': { schema: PAGE } } },
});

const PAGE = { type: 'string' } as const;
