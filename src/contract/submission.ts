import { z } from 'zod';
import { RECIPES } from '../domain/recipes.ts';
import { lenientBoolean, lenientInteger, text } from './lenient.ts';
import { Moment } from './moment.ts';

const object = { error: 'must be an object' };

/** A blank text or null where a value may be left out: the same as leaving it out. */
const orBlank = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' || value === null ? undefined : value), schema.optional());

const semaphoreUrl = z.string({ error: 'must be a URL' });

/** What may become of a job whose folders another one uses. */
const CONFLICT_ANSWERS = ['wait', 'refuse'] as const;

/** The part of a submission that says how the job is queued. */
export const JobSection = z.looseObject(
  {
    workflow: z
      .string({ error: 'must name a workflow' })
      .meta({ example: 'vodstream' })
      .describe(`Name of the workflow. This version runs ${RECIPES.join(', ')}`),
    priority: orBlank(lenientInteger(1, 10)).describe('1 first, 10 last. Default: 5'),
    run_at: orBlank(Moment).describe(
      'The job waits until then. UTC; a Z or an offset is taken too',
    ),
    semaphore_url: orBlank(semaphoreUrl).describe(
      'The job also waits until this URL answers a GET with 2xx or 3xx; redirects are not followed',
    ),
    sempahore_url: orBlank(semaphoreUrl).meta({
      deprecated: true,
      description: 'Another spelling of semaphore_url, which some integrations send',
    }),
    on_conflict: orBlank(z.enum(CONFLICT_ANSWERS, { error: 'must be wait or refuse' })).describe(
      'What becomes of the job while another one uses its output folder: wait (default) queues it until ' +
        'the folder is free, refuse answers 409',
    ),
    persist: orBlank(lenientBoolean).describe('Keep the job when old jobs are cleared'),
  },
  object,
);

/** {@link JobSection} as it comes out of the schema. */
export type JobSection = z.infer<typeof JobSection>;

/** The body of `POST /job`. `parameters` are judged by the workflow's own schema. */
export const Submission = z.looseObject(
  {
    client: text.optional().describe('The client, where the header client is missing'),
    job: JobSection,
    parameters: z.record(z.string(), z.unknown(), object).default({}),
  },
  object,
);

/** {@link Submission} as it comes out of the schema. */
export type Submission = z.infer<typeof Submission>;
