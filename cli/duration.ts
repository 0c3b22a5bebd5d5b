import { UsageError } from './command.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Ten years: what lies beyond is a mistake. */
const MOST_SECONDS = 10 * 365 * 86_400;

/** Seconds of `90s`, `30m`, `24h`, `7d`. Throws a {@link UsageError} that names the option. */
export function parseDuration(text: string, option: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit] ?? Number.NaN);
  if (count === '' || !(seconds >= 1 && seconds <= MOST_SECONDS)) {
    throw new UsageError(`--${option} must be a time such as 90s, 30m, 24h or 7d, not ${text}`);
  }
  return seconds;
}
