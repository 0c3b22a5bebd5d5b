import { z } from 'zod';

// Unions and not preprocessing: the OpenAPI document then says that text is taken too.

/** A whole number within bounds, also as text (`"priority": "2"`, as older integrations send it). */
export const lenientInteger = (least: number, most: number) => {
  const integer = z
    .int()
    .min(least, `must be ${least} at least`)
    .max(most, `must be ${most} at most`);
  return z.union(
    [
      integer,
      z
        .string()
        .regex(/^\s*-?\d{1,15}\s*$/)
        .transform(Number)
        .pipe(integer),
    ],
    {
      error: `must be a whole number from ${least} to ${most}`,
    },
  );
};

/** True or false, also as text. */
export const lenientBoolean = z.union(
  [
    z.boolean(),
    z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1'),
  ],
  { error: 'must be true or false' },
);

/** Text. */
export const text = z.string({ error: 'must be text' });

const MOST_SECONDS = 360_000;

/** A point in the content: seconds, or `h:mm:ss.fff`. Comes out as seconds, 100 hours at most. */
export const offsetSeconds = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d{1,6}(?:\.\d+)?$/)
        .transform(Number),
      z
        .string()
        .regex(/^\d{1,3}:[0-5]?\d:[0-5]?\d(?:\.\d+)?$/)
        .transform((time) => time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)),
    ],
    { error: 'must be seconds or h:mm:ss.fff' },
  )
  .refine((seconds) => seconds >= 0 && seconds <= MOST_SECONDS, {
    error: 'must be from 0 to 100 hours',
  });
