/** The system setting that says how long ended jobs are kept. */
export const RETENTION_SETTING = 'job_retention_days';

/** Days that an ended job is kept where nothing else is set (contract §4). */
export const DEFAULT_RETENTION_DAYS = 30;

/** A hundred years: for ever, and still a number that dates can be reckoned with. */
const MOST_DAYS = 36_500;

/** Days out of the stored setting; what is missing, unusable or below a day is the default. */
export function retentionDaysFrom(setting: string | undefined): number {
  const days = Number(setting ?? Number.NaN);
  return Number.isFinite(days) && days >= 1 ? Math.min(days, MOST_DAYS) : DEFAULT_RETENTION_DAYS;
}
