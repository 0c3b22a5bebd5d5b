import { z } from 'zod';

/** The answer to `GET /`. */
export const Alive = z.object({ result: z.literal('alive') }).meta({ id: 'Alive' });

/** The answer to a submission. */
export const Accepted = z
  .object({
    id: z.int(),
    job_id: z.int().describe('The same number as id'),
    result: z.literal('accepted'),
  })
  .meta({ id: 'Accepted', example: { id: 42, job_id: 42, result: 'accepted' } });

/** Any answer other than success. */
export const ErrorJson = z
  .object({ error: z.string().describe('What is wrong, with what, and what would be right') })
  .meta({ id: 'Error', example: { error: 'parameters.content_id: is missing, it must be text' } });
