import { parseRetryWaits, RETRY_WAITS_SECONDS } from './retry-schedule.ts';
import type { SlotSettings } from './slots.ts';

/** The settings the engine reads, in the engine's own names and units. */
export interface Settings extends SlotSettings {
  /** Seconds between two looks at scheduled jobs. Default 60. */
  readonly scheduleIntervalSeconds: number;
  /** Seconds between two tries of a failed task. Default 5. */
  readonly retryDelaySeconds: number;
  /** How often a failed task is tried again. Default 3. */
  readonly retryLimit: number;
  /** Seconds in which the publication that a job replaced can be put back; 0: not at all. Default 3600. */
  readonly undoWindowSeconds: number;
  /** Days after their end that jobs are kept. Default 30. */
  readonly jobRetentionDays: number;
}

/** A whole number that the engine reads. */
export interface KnownSetting {
  readonly least: number;
  readonly most: number;
  readonly fallback: number;
  /** True where one value serves all tenants, so that none has a value of its own. */
  readonly isSystemOnly?: boolean;
}

/**
 * The settings the engine reads, by the name they have on the wire; defaults of the contract (§5).
 * `priority_slots` may be more than `max_jobs`: then every slot is kept for priority jobs, and a
 * tenant that is stopped with `max_jobs` 0 keeps its reservation for later.
 */
export const KNOWN_SETTINGS = {
  max_jobs: { least: 0, most: 1000, fallback: 2 },
  priority_slots: { least: 0, most: 1000, fallback: 0 },
  priority_threshold: { least: 1, most: 10, fallback: 5 },
  schedule_interval: { least: 1, most: 86_400, fallback: 60 },
  retry_delay: { least: 0, most: 86_400, fallback: 5 },
  retry_limit: { least: 0, most: 100, fallback: 3 },
  undo_window: { least: 0, most: 2_592_000, fallback: 3600 },
  job_retention_days: { least: 1, most: 36_500, fallback: 30, isSystemOnly: true },
} as const satisfies Readonly<Record<string, KnownSetting>>;

/** The rule of a name, undefined for a name that only its tenant knows. */
export const knownSetting = (name: string): KnownSetting | undefined =>
  Object.hasOwn(KNOWN_SETTINGS, name)
    ? KNOWN_SETTINGS[name as keyof typeof KNOWN_SETTINGS]
    : undefined;

/** A text that the engine reads. */
export interface KnownText {
  readonly fallback: string;
  /** What it must be, for people. */
  readonly rule: string;
  /** The text as it is kept; undefined where it is not what it must be. */
  readonly normalize: (text: string) => string | undefined;
}

/** The texts the engine reads, by their name on the wire. */
export const KNOWN_TEXTS = {
  callback_schedule: {
    fallback: RETRY_WAITS_SECONDS.join(','),
    rule: '1 to 30 waits in seconds, each from 1 to 604800, separated by commas: 5,300,1800',
    normalize: (text) => parseRetryWaits(text)?.join(','),
  },
} as const satisfies Readonly<Record<string, KnownText>>;

/** The rule of a text, undefined for a name that is none of {@link KNOWN_TEXTS}. */
export const knownText = (name: string): KnownText | undefined =>
  Object.hasOwn(KNOWN_TEXTS, name) ? KNOWN_TEXTS[name as keyof typeof KNOWN_TEXTS] : undefined;

/** Settings that decide which jobs may start: a change is followed by an admission. */
export const isSlotSetting = (name: string): boolean =>
  ['max_jobs', 'priority_slots', 'priority_threshold'].includes(name);

/** Settings out of stored rows; what is missing or unusable keeps its default. */
export function settingsFrom(rows: Readonly<Record<string, unknown>>): Settings {
  const number = (name: keyof typeof KNOWN_SETTINGS): number => {
    const { least, most, fallback } = KNOWN_SETTINGS[name];
    const value = Number(rows[name] ?? Number.NaN);
    return Number.isInteger(value) && value >= least && value <= most ? value : fallback;
  };
  return {
    maxJobs: number('max_jobs'),
    prioritySlots: number('priority_slots'),
    priorityThreshold: number('priority_threshold'),
    scheduleIntervalSeconds: number('schedule_interval'),
    retryDelaySeconds: number('retry_delay'),
    retryLimit: number('retry_limit'),
    undoWindowSeconds: number('undo_window'),
    jobRetentionDays: number('job_retention_days'),
  };
}
