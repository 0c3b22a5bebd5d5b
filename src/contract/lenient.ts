import { z } from 'zod';

/** A number, or a number as text, as older integrations send it (`"priority": "2"`). */
export const lenientNumber = z.preprocess(
  (value) =>
    typeof value === 'string' && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) : value,
  z.number({ error: 'must be a number' }),
);

/** A whole number within bounds, also as text. */
export const lenientInteger = (least: number, most: number) =>
  lenientNumber.pipe(
    z
      .number()
      .int('must be a whole number')
      .min(least, `must be ${least} at least`)
      .max(most, `must be ${most} at most`),
  );

/** True or false, also as text or as 1 and 0. */
export const lenientBoolean = z.preprocess(
  (value) => {
    if (value === 'true' || value === '1' || value === 1) return true;
    if (value === 'false' || value === '0' || value === 0) return false;
    return value;
  },
  z.boolean({ error: 'must be true or false' }),
);

/** Text; a number is taken as its digits, since content ids are often numbers. */
export const lenientText = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  z.string({ error: 'must be text' }),
);

/** A point in the content: seconds, or `h:mm:ss.fff`. Comes out as seconds. */
export const offsetSeconds = z.preprocess(
  (value) => {
    if (typeof value !== 'string') return value;
    const match = /^(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)$/.exec(value.trim());
    if (match !== null) {
      return Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]);
    }
    return /^\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  },
  z
    .number({ error: 'must be seconds or h:mm:ss.fff' })
    .min(0, 'must not be negative')
    .max(360_000, 'must be 100 hours at most'),
);
