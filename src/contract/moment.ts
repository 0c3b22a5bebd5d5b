import { z } from 'zod';

const FORM =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?(Z|[+-]\d{2}:?\d{2})?$/i;

/** Whether a date is in the calendar; Date.parse takes 30 February for 2 March. */
function isInCalendar(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

/**
 * A moment as clients write it, `yyyy-MM-ddTHH:mm:ss.fff`, read as UTC; a `Z` or an offset is taken
 * (contract §5). Comes out as a Date.
 */
export const Moment = z
  .string({ error: 'must be a time, yyyy-MM-ddTHH:mm:ss.fff' })
  .transform((text, context) => {
    const [, date = '', time = '00:00', zone = 'Z'] = FORM.exec(text.trim()) ?? [];
    const moment = new Date(`${date}T${time}${zone}`);
    if (!isInCalendar(date) || Number.isNaN(moment.getTime())) {
      context.addIssue({
        code: 'custom',
        message: 'must be a time, yyyy-MM-ddTHH:mm:ss.fff (UTC)',
      });
      return z.NEVER;
    }
    return moment;
  })
  .meta({ example: '2030-01-31T18:00:00.000' });
