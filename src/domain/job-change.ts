import { assertNever } from './assert-never.ts';
import type { JobState } from './job-state.ts';

/** The states that a person may ask for. */
export const REQUESTED_STATES = ['paused', 'broken', 'queued'] as const;

/** One of {@link REQUESTED_STATES}. */
export type RequestedState = (typeof REQUESTED_STATES)[number];

/** What a person wants changed; what is left out stays. */
export interface JobChange {
  readonly state?: RequestedState;
  /** When the job may start, null for at once. */
  readonly runAt?: Date | null;
  /** 1 first, 10 last. */
  readonly priority?: number;
  /** What must answer 2xx or 3xx before the job is queued, null for nothing. */
  readonly semaphoreUrl?: string | null;
  readonly isPersistent?: boolean;
}

/** The part of a job that decides what may change. */
export interface ChangeableJob {
  readonly state: JobState;
  readonly hasEnded: boolean;
  /** Admitted at least once: there is, or will be, an execution. */
  readonly hasRun: boolean;
  /** Paused or given up while it ran, its execution not stopped yet. */
  readonly isLeaving: boolean;
  readonly runAt: Date | null;
  readonly priority: number;
  readonly semaphoreUrl: string | null;
  readonly isPersistent: boolean;
}

/** A job after a change, and what its execution is to be told. */
export interface ChangedJob extends ChangeableJob {
  readonly tell: 'resume' | 'cancel' | undefined;
}

/** A change that cannot be; `field` is the name on the wire. */
export class ImpossibleChangeError extends Error {
  override readonly name = 'ImpossibleChangeError';

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
  }
}

/**
 * What a change makes of a job, the state last: `{run_at: null, state: 'queued'}` of a paused job puts it
 * back at once. Throws an {@link ImpossibleChangeError}; nothing is then changed.
 */
export function applyChange(job: ChangeableJob, change: JobChange, now: Date): ChangedJob {
  const changed = withFields(job, change, now);
  switch (change.state) {
    case undefined:
      return { ...changed, tell: undefined };
    case 'paused':
      return pause(changed);
    case 'queued':
      return putBack(changed, now);
    case 'broken':
      return giveUp(changed);
    default:
      return assertNever(change.state);
  }
}

const describe = (job: ChangeableJob): string =>
  job.hasEnded ? `the job has ended (${job.state})` : `the job is ${job.state}`;

function withFields(job: ChangeableJob, change: JobChange, now: Date): ChangeableJob {
  const hasBegun = job.hasEnded || job.hasRun;
  if (change.runAt !== undefined && hasBegun) {
    throw new ImpossibleChangeError('run_at', `${describe(job)} and has been started already`);
  }
  if (change.semaphoreUrl !== undefined && hasBegun) {
    throw new ImpossibleChangeError(
      'semaphore_url',
      `${describe(job)} and has been started already`,
    );
  }
  const isWaiting = !job.hasEnded && job.state !== 'started' && !job.isLeaving;
  if (change.priority !== undefined && !isWaiting && change.priority !== job.priority) {
    throw new ImpossibleChangeError('priority', `${describe(job)}; only a waiting job has a place`);
  }
  const fields = {
    ...job,
    priority: change.priority ?? job.priority,
    isPersistent: change.isPersistent ?? job.isPersistent,
    runAt: change.runAt === undefined ? job.runAt : change.runAt,
    semaphoreUrl: change.semaphoreUrl === undefined ? job.semaphoreUrl : change.semaphoreUrl,
  };
  const isRescheduled = change.runAt !== undefined || change.semaphoreUrl !== undefined;
  return isRescheduled && job.state !== 'paused'
    ? { ...fields, state: waitingState(fields, now) }
    : fields;
}

/** Where a job that has never run waits: `scheduled` until its time and its semaphore, else `queued`. */
const waitingState = (job: ChangeableJob, now: Date): 'scheduled' | 'queued' =>
  job.semaphoreUrl !== null || (job.runAt !== null && job.runAt > now) ? 'scheduled' : 'queued';

function pause(job: ChangeableJob): ChangedJob {
  if (job.state === 'paused') return { ...job, tell: undefined };
  if (job.hasEnded || job.state === 'broken') {
    throw new ImpossibleChangeError('queue_state', `${describe(job)}; it cannot be paused`);
  }
  // the execution finds out when it wants to start its next task, and gives its slot up then
  return { ...job, state: 'paused', isLeaving: job.state === 'started', tell: undefined };
}

function putBack(job: ChangeableJob, now: Date): ChangedJob {
  if (job.state === 'queued') return { ...job, tell: undefined };
  if (job.state === 'scheduled') {
    throw new ImpossibleChangeError(
      'queue_state',
      'the job is scheduled; set run_at and semaphore_url to null to queue it now',
    );
  }
  if (job.hasEnded || job.state !== 'paused') {
    throw new ImpossibleChangeError(
      'queue_state',
      `${describe(job)}; only a paused job is put back`,
    );
  }
  // it still has its slot; it may have halted at the very moment, so it is told in any case
  if (job.isLeaving) return { ...job, state: 'started', isLeaving: false, tell: 'resume' };
  return { ...job, state: job.hasRun ? 'queued' : waitingState(job, now), tell: undefined };
}

function giveUp(job: ChangeableJob): ChangedJob {
  if (job.state === 'broken') return { ...job, tell: undefined };
  if (job.hasEnded) {
    throw new ImpossibleChangeError('queue_state', `${describe(job)}; run it again instead`);
  }
  return {
    ...job,
    state: 'broken',
    isLeaving: job.state === 'started' || job.isLeaving,
    tell: job.hasRun ? 'cancel' : undefined,
  };
}
