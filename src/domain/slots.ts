/** Slot settings of a tenant (contract §4). */
export interface SlotSettings {
  /** Jobs that may run at once. Default 2. */
  readonly maxJobs: number;
  /** How many of `maxJobs` are kept for priority jobs. Default 0. */
  readonly prioritySlots: number;
  /** A job whose priority number is at most this is a priority job. Default 5, never below 1. */
  readonly priorityThreshold: number;
}

/** What runs now. */
export interface SlotUse {
  readonly started: number;
  /** Started jobs that are not priority jobs. */
  readonly startedOrdinary: number;
}

/** Free slots: `any` in all, of which ordinary jobs may take at most `ordinary`. */
export interface FreeSlots {
  readonly any: number;
  readonly ordinary: number;
}

/**
 * The slots a tenant may still give out. Reserving adds none: with 5 slots and 2 reserved, any job
 * may use 3 and only priority jobs the other 2.
 */
export function freeSlots(settings: SlotSettings, use: SlotUse): FreeSlots {
  const any = Math.max(0, settings.maxJobs - use.started);
  const open = settings.maxJobs - settings.prioritySlots - use.startedOrdinary;
  return { any, ordinary: Math.max(0, Math.min(any, open)) };
}
