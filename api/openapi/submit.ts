import { z } from '@hono/zod-openapi';
import { answers, CREDENTIALS } from './shapes.ts';

const Body = z
  .looseObject({
    client: z.string().optional().openapi({ description: 'Used where the header is missing' }),
    job: z.looseObject({
      workflow: z.string().openapi({ example: 'vodstream' }),
      priority: z.int().min(1).max(10).optional().openapi({ description: '1 first; default 5' }),
      run_at: z.string().optional().openapi({ example: '2030-01-31T18:00:00.000' }),
      persist: z.boolean().optional(),
    }),
    parameters: z.looseObject({
      content_id: z.string(),
      rest_endpoints: z.array(z.string()).optional(),
      custom_data: z.unknown().optional().openapi({ description: 'Comes back byte for byte' }),
    }),
  })
  .openapi('Submission');

/** `POST /job` for the OpenAPI document. Numbers and booleans sent as text are taken too. */
export const describeSubmit = {
  method: 'post',
  path: '/job',
  summary: 'Submit a job',
  security: CREDENTIALS,
  request: { body: { required: true, content: { 'application/json': { schema: Body } } } },
  responses: answers(
    z.object({ id: z.int(), job_id: z.int(), result: z.literal('accepted') }).openapi('Accepted'),
    [400, 401, 413, 415],
  ),
} as const;
