import { z } from '@hono/zod-openapi';
import { ApiError } from '../errors.ts';

/** A filter without a value is no filter. */
const blankIsAbsent = (value: unknown): unknown => (value === '' ? undefined : value);

/** A whole number in a query. `bounds` are both included. */
export const queryInteger = (least: number, most: number) =>
  z
    .preprocess(
      blankIsAbsent,
      z
        .string({ error: 'may stand once only' })
        .regex(/^\d{1,15}$/, 'must be a whole number')
        .transform(Number)
        .refine((number) => number >= least && number <= most, `must be from ${least} to ${most}`)
        .optional(),
    )
    .openapi({ type: 'integer', minimum: least, maximum: most });

/** A text in a query. */
export const queryText = (most: number) =>
  z
    .preprocess(
      blankIsAbsent,
      z
        .string({ error: 'may stand once only' })
        .max(most, `must have ${most} characters at most`)
        .optional(),
    )
    .openapi({ type: 'string', maxLength: most });

/** Ids in a query, separated by commas. */
export const queryIds = z
  .preprocess(
    blankIsAbsent,
    z
      .string({ error: 'may stand once only' })
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
