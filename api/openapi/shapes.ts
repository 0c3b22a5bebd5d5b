import { z } from '@hono/zod-openapi';
import { ApiError, type ErrorStatus } from '../errors.ts';

/** Both headers of the contract's authentication. */
export const CREDENTIALS = [{ client: [], apiKey: [] }];

/** Any answer other than success. */
export const ErrorJson = z.object({ error: z.string() }).openapi('Error');

/** A job's id in a path. What cannot be an id is no job: 404, as for a foreign one. */
export const JobId = z
  .string()
  .transform((text) => {
    if (!/^\d{1,15}$/.test(text)) throw new ApiError(404, 'There is no such job');
    return Number(text);
  })
  .openapi({ type: 'integer', param: { name: 'id', in: 'path' }, example: 42 });

const time = z.iso.datetime();

/** A job (contract §5). */
export const JobJson = z
  .object({
    id: z.int(),
    client: z.string(),
    workflow: z.string(),
    content_id: z.string().nullable(),
    priority: z.int().openapi({ description: '1 first, 10 last' }),
    position: z.int().nullable().openapi({
      description: '1 for the next job to start, null for a job that does not wait',
    }),
    top_of_queue: z.boolean(),
    queue_state: z.enum([
      'queued',
      'started',
      'completed',
      'pending',
      'broken',
      'scheduled',
      'paused',
    ]),
    failed: z.boolean(),
    message: z.string().nullable(),
    persist: z.boolean(),
    run_at: time.nullable(),
    semaphore_url: z.string().nullable(),
    created_at: time,
    updated_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    parameters: z.looseObject({}).optional().openapi({ description: 'As submitted' }),
  })
  .openapi('Job');

/** A row of a job's log (contract §5). */
export const LogJson = z
  .object({
    id: z.int(),
    job_id: z.int(),
    severity: z.int().openapi({ description: '0 debug, 1 info, 2 warn, 3 error, 4 fatal' }),
    severity_description: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']),
    progname: z.enum(['api', 'controller', 'scheduler', 'worker', 'callback']),
    message: z.string(),
    created_at: time,
    updated_at: time,
    task_id: z.int().nullable(),
    visible: z.boolean(),
  })
  .openapi('LogRow');

const REASONS: Readonly<Record<ErrorStatus, string>> = {
  400: 'The request cannot be; `error` names the field and says what would be right',
  401: 'Missing or wrong credentials',
  404: 'No such job, or one of another client',
  405: 'The route has other methods',
  409: 'Clash',
  413: 'The body is too large',
  415: 'The body is no JSON, or is compressed',
  429: 'Too many requests',
  500: 'Something failed on the server',
};

/** The answers of a route: success with a schema, and the errors it can give. */
export function answers<Schema extends z.ZodType>(schema: Schema, errors: readonly ErrorStatus[]) {
  const error = (status: ErrorStatus) => ({
    description: REASONS[status],
    content: { 'application/json': { schema: ErrorJson } },
  });
  return {
    200: { description: 'OK', content: { 'application/json': { schema } } },
    ...(Object.fromEntries([...errors, 500 as const].map((one) => [one, error(one)])) as Record<
      never,
      ReturnType<typeof error>
    >),
  };
}
