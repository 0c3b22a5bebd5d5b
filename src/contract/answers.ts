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

/** The answer to a change of a job. */
export const Changed = z
  .object({ id: z.int(), result: z.string().describe('Performed updates: …') })
  .meta({ id: 'Changed', example: { id: 42, result: 'Performed updates: queue_state paused' } });

/** The answer to a rerun. */
export const Rerun = z
  .object({ id: z.int().describe('The new job'), result: z.literal('accepted') })
  .meta({ id: 'Rerun', example: { id: 43, result: 'accepted' } });
