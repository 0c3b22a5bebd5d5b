import { z } from '@hono/zod-openapi';
import { parseDateBound } from '../../src/contract/date-bound.ts';
import { JOB_STATES } from '../../src/domain/job-state.ts';
import { ApiError } from '../errors.ts';

/** A filter without a value is no filter. */
const blankIsAbsent = (value: unknown): unknown => (value === '' ? undefined : value);

const once = z.string({ error: 'may stand once only' });

/** A whole number in a query. `bounds` are both included. */
export const queryInteger = (least: number, most: number) =>
  z
    .preprocess(
      blankIsAbsent,
      once
        .regex(/^\d{1,15}$/, 'must be a whole number')
        .transform(Number)
        .refine((number) => number >= least && number <= most, `must be from ${least} to ${most}`)
        .optional(),
    )
    .openapi({ type: 'integer', minimum: least, maximum: most });

/** A text in a query. */
export const queryText = (most: number) =>
  z
    .preprocess(blankIsAbsent, once.max(most, `must have ${most} characters at most`).optional())
    .openapi({ type: 'string', maxLength: most });

/** True or false in a query, also as 1 or 0, in any case of letters. */
export const queryBoolean = z
  .preprocess(
    blankIsAbsent,
    once
      .toLowerCase()
      .pipe(z.enum(['true', 'false', '1', '0'], { error: 'must be true or false, or 1 or 0' }))
      .transform((text) => text === 'true' || text === '1')
      .optional(),
  )
  .openapi({ type: 'string', enum: ['1', '0', 'true', 'false'] });

/** One of some words in a query. */
export const queryWord = <const Word extends string>(words: readonly Word[]) =>
  z
    .preprocess(
      blankIsAbsent,
      once
        .toLowerCase()
        .pipe(z.enum(words, { error: `must be one of ${words.join(', ')}` }))
        .optional(),
    )
    .openapi({ type: 'string', enum: [...words] });

const STATE_WORDS = Object.keys(JOB_STATES);
const STATE_NUMBERS = Object.values(JOB_STATES).map(String);

/** A job's state in a query, by its number or its word. Comes out as the number. */
export const queryState = z
  .preprocess(
    blankIsAbsent,
    once
      .toLowerCase()
      .pipe(
        z.enum([...STATE_NUMBERS, ...STATE_WORDS], {
          error: `must be from 0 to 6, or one of ${STATE_WORDS.join(', ')}`,
        }),
      )
      .transform((text) => JOB_STATES[text as keyof typeof JOB_STATES] ?? Number(text))
      .optional(),
  )
  .openapi({ type: 'string', enum: [...STATE_NUMBERS.toSorted(), ...STATE_WORDS] });

/** A date or a time in a query, where a range begins (`from`) or ends (`to`). */
export const queryDate = (bound: 'from' | 'to') =>
  z
    .preprocess(
      blankIsAbsent,
      once
        .transform((text, context) => {
          const moment = parseDateBound(text, bound);
          if (moment !== undefined) return moment;
          const message = 'must be a date, yyyy-MM-dd, or a time, yyyy-MM-ddTHH:mm:ss.fff (UTC)';
          context.addIssue({ code: 'custom', message });
          return z.NEVER;
        })
        .optional(),
    )
    .openapi({ type: 'string', example: '2030-01-31' });

/** Ids in a query, separated by commas. */
export const queryIds = z
  .preprocess(
    blankIsAbsent,
    once
      .regex(/^\s*\d{1,15}(\s*,\s*\d{1,15})*\s*$/, 'must be ids separated by commas')
      .transform((text) => text.split(',').map(Number))
      .optional(),
  )
  .openapi({ type: 'string', example: '1,2,3' });

/** A job's id in a path. What cannot be an id is no job: 404, as for a foreign one. */
export const JobId = z
  .string()
  .transform((text) => {
    if (!/^\d{1,15}$/.test(text)) throw new ApiError(404, 'There is no such job');
    return Number(text);
  })
  .openapi({ type: 'integer', minimum: 1, param: { name: 'id', in: 'path' }, example: 42 });
