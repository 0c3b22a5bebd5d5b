import { z } from 'zod';
import { lenientBoolean, lenientInteger, lenientText } from './lenient.ts';

/**
 * A moment as clients write it, `yyyy-MM-ddTHH:mm:ss.fff`, read as UTC; a `Z` or an offset is taken.
 */
export const Moment = z
  .string({ error: 'must be a time, yyyy-MM-ddTHH:mm:ss.fff' })
  .transform((text, context) => {
    const match =
      /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
        text.trim(),
      );
    const date = new Date(`${match?.[1] ?? ''}T${match?.[2] ?? '00:00'}${match?.[3] ?? 'Z'}`);
    if (match === null || Number.isNaN(date.getTime())) {
      context.addIssue({
        code: 'custom',
        message: 'must be a time, yyyy-MM-ddTHH:mm:ss.fff (UTC)',
      });
      return z.NEVER;
    }
    return date;
  });

const blankIsAbsent = (value: unknown): unknown =>
  value === '' || value === null ? undefined : value;

/** The part of a submission that says how the job is queued. */
export const JobSection = z.looseObject({
  workflow: z.string({ error: 'must name a workflow' }),
  /** 1 first, 10 last. */
  priority: z.preprocess(blankIsAbsent, lenientInteger(1, 10).optional()),
  run_at: z.preprocess(blankIsAbsent, Moment.optional()),
  semaphore_url: z.preprocess(blankIsAbsent, z.string({ error: 'must be a URL' }).optional()),
  persist: z.preprocess(blankIsAbsent, lenientBoolean.optional()),
});

/** The body of `POST /job`. */
export const Submission = z.looseObject({
  client: lenientText.optional(),
  job: JobSection,
  parameters: z.record(z.string(), z.unknown(), { error: 'must be an object' }).default({}),
});

/** {@link Submission} as it comes out of the schema. */
export type Submission = z.infer<typeof Submission>;
