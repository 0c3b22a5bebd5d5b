import type { SlotSettings } from './slots.ts';

/** The settings the engine reads, in the engine's own names and units. */
export interface Settings extends SlotSettings {
  /** Seconds between two looks at scheduled jobs. Default 60. */
  readonly scheduleIntervalSeconds: number;
  /** Seconds between two tries of a failed task. Default 5. */
  readonly retryDelaySeconds: number;
  /** How often a failed task is tried again. Default 3. */
  readonly retryLimit: number;
}

/** Defaults of the contract (§5), by the name they have on the wire. */
export const SETTING_DEFAULTS = {
  max_jobs: 2,
  priority_slots: 0,
  priority_threshold: 5,
  schedule_interval: 60,
  retry_delay: 5,
  retry_limit: 3,
} as const;

/** Settings out of stored rows; what is missing or unusable keeps its default. */
export function settingsFrom(rows: Readonly<Record<string, unknown>>): Settings {
  const number = (name: keyof typeof SETTING_DEFAULTS, least: number): number => {
    const value = Number(rows[name] ?? Number.NaN);
    return Number.isFinite(value) && value >= least ? value : SETTING_DEFAULTS[name];
  };
  return {
    maxJobs: number('max_jobs', 0),
    prioritySlots: number('priority_slots', 0),
    priorityThreshold: number('priority_threshold', 1),
    scheduleIntervalSeconds: number('schedule_interval', 1),
    retryDelaySeconds: number('retry_delay', 0),
    retryLimit: number('retry_limit', 0),
  };
}
