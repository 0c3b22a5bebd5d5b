import { Moment } from './moment.ts';

const DAY_MS = 86_400_000;

/**
 * A bound of a range of dates in a query: a date, or a time in any form of {@link Moment}, read as UTC. As
 * the end of a range a date means the end of that day. Undefined for what is neither.
 */
export function parseDateBound(text: string, bound: 'from' | 'to'): Date | undefined {
  // the `+` of an offset that was not escaped arrives as a space
  const parsed = Moment.safeParse(
    text.trim().replace(/(:\d{2}(?:\.\d+)?) (\d{2}:?\d{2})$/, '$1+$2'),
  );
  if (!parsed.success) return undefined;
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text.trim());
  return bound === 'to' && isDate ? new Date(parsed.data.getTime() + DAY_MS) : parsed.data;
}
