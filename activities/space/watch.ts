import { WorkError } from '../../src/domain/failure.ts';
import type { Logger } from '../../src/log/logger.ts';
import { formatBytes } from '../format-bytes.ts';
import {
  type Disk,
  type JobScratch,
  NO_SPACE,
  reserveOf,
  type ScratchLimits,
  selectOverUser,
} from './judge.ts';
import { measureDisk, measureJob, measureJobs } from './measure.ts';

/** Looks that a job which gives way has to stop its tools and remove its files, before the next one must. */
const LOOKS_TO_GIVE_WAY = 4;

/** A task that runs in this process. */
export interface WatchedTask {
  /** Aborts with a WorkError, the task's failure, when the task may not go on. */
  readonly signal: AbortSignal;
  /** The task has ended. */
  readonly leave: () => void;
}

/** The tasks of this process and what they take of the disk. */
export interface ScratchWatch {
  readonly enter: (jobId: number) => WatchedTask;
  /** Jobs with a task in this process. */
  readonly runningJobs: () => readonly number[];
  /** Stops the tasks of a job; they fail for `reason`. */
  readonly stopJob: (jobId: number, reason: WorkError) => void;
  /** Looks once, and stops what has to be stopped. To be called every second or so. */
  readonly look: () => Promise<void>;
}

/**
 * Stops tasks before their disk is full. A job that goes on writing beyond its own limit fails; where
 * the disk falls below its reserve, or all jobs take more than the host's limit, one job does: of those
 * that write, in whatever process, the one furthest beyond what it was promised. A job that writes
 * nothing is left alone: it publishes, or cleans up.
 */
export function createScratchWatch(deps: {
  readonly workRoot: string;
  readonly limits: ScratchLimits;
  readonly log: Logger;
}): ScratchWatch {
  const { workRoot, limits, log } = deps;
  const running = new Map<number, Set<AbortController>>();
  let before = new Map<number, number>();
  let looksToWait = 0;
  let isShort = false;

  const stopJob = (jobId: number, reason: WorkError): void => {
    for (const task of running.get(jobId) ?? []) task.abort(reason);
  };

  const failJob = (job: JobScratch, why: string, isTerminal: boolean): void => {
    const message = `${NO_SPACE}: it uses ${formatBytes(job.usedBytes)} of scratch${why}`;
    log.warn({ jobId: job.jobId, reservedBytes: job.reservedBytes }, message);
    stopJob(job.jobId, new WorkError('NoSpace', message, { isTerminal }));
  };

  const look = async (): Promise<void> => {
    if (running.size === 0) {
      before.clear();
      return;
    }
    const disk = await measureDisk(workRoot);
    const isLow = disk.freeBytes < reserveOf(limits, disk);
    if (isLow && !isShort) log.warn(disk, 'the disk of scratch files is below its reserve');
    isShort = isLow;
    const jobs = await measure(isLow);
    // one that was not seen before may have been this large all the time
    const writing = jobs.filter((job) => job.usedBytes > (before.get(job.jobId) ?? Infinity));
    before = new Map(jobs.map((job) => [job.jobId, job.usedBytes]));
    const { jobBytes } = limits;
    if (jobBytes !== undefined) {
      for (const job of writing.filter((one) => one.usedBytes > jobBytes)) {
        failJob(job, `, one job may use ${formatBytes(jobBytes)}`, true);
      }
    }
    const shortage = describeShortage(limits, disk, jobs);
    if (shortage === undefined) looksToWait = 0;
    else if (looksToWait > 0) looksToWait -= 1;
    else makeOneGiveWay(writing, shortage);
  };

  const measure = (isLow: boolean): Promise<readonly JobScratch[]> => {
    if (isLow || limits.hostBytes !== undefined) return measureJobs(workRoot);
    if (limits.jobBytes === undefined) return Promise.resolve([]);
    return Promise.all([...running.keys()].map((jobId) => measureJob(workRoot, jobId)));
  };

  const makeOneGiveWay = (writing: readonly JobScratch[], shortage: string): void => {
    const job = selectOverUser(writing);
    if (job === undefined) return;
    looksToWait = LOOKS_TO_GIVE_WAY;
    // another process sees the same, and stops its own job
    if (running.has(job.jobId)) failJob(job, shortage, false);
  };

  return {
    enter: (jobId) => {
      const task = new AbortController();
      const tasks = running.get(jobId) ?? new Set();
      running.set(jobId, tasks.add(task));
      return {
        signal: task.signal,
        leave: () => {
          tasks.delete(task);
          if (tasks.size === 0 && running.get(jobId) === tasks) running.delete(jobId);
        },
      };
    },
    runningJobs: () => [...running.keys()],
    stopJob,
    look,
  };
}

/** What there is too little of, as the end of a sentence; undefined where there is enough. */
function describeShortage(
  limits: ScratchLimits,
  disk: Disk,
  jobs: readonly JobScratch[],
): string | undefined {
  const reserveBytes = reserveOf(limits, disk);
  if (disk.freeBytes < reserveBytes) {
    return `, and ${formatBytes(disk.freeBytes)} are free on the disk, where ${formatBytes(reserveBytes)} are kept in reserve`;
  }
  const usedBytes = jobs.reduce((sum, job) => sum + job.usedBytes, 0);
  const { hostBytes } = limits;
  if (hostBytes === undefined || usedBytes <= hostBytes) return undefined;
  return `, and all jobs together ${formatBytes(usedBytes)} of the ${formatBytes(hostBytes)} they may use`;
}
