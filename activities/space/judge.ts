import { formatBytes } from '../format-bytes.ts';

/** What jobs may use of the disk below `WORK_ROOT`, bytes; undefined limits nothing. */
export interface ScratchLimits {
  /** Of one job. */
  readonly jobBytes: number | undefined;
  /** Of all jobs together. */
  readonly hostBytes: number | undefined;
  /** Kept free on the disk. Undefined: {@link reserveOf}. */
  readonly reserveBytes: number | undefined;
}

/** A job's scratch folder as it is now. */
export interface JobScratch {
  readonly jobId: number;
  readonly usedBytes: number;
  /** What the job may need in all; 0 where it has said nothing. */
  readonly reservedBytes: number;
}

/** The disk below `WORK_ROOT`. */
export interface Disk {
  readonly totalBytes: number;
  /** For the engine's user, without blocks that only root may use. */
  readonly freeBytes: number;
}

/** Why a job gets no room, for people. `isTerminal`: waiting does not change it. */
export interface NoRoom {
  readonly message: string;
  readonly isTerminal: boolean;
}

const DEFAULT_RESERVE_BYTES = 1024 ** 3;
const MOST_OF_DISK = 0.05;

/** What is kept free of a disk: 1 GiB by default, and 5 % of one smaller than 20 GiB. */
export const reserveOf = (limits: ScratchLimits, disk: Disk): number =>
  limits.reserveBytes ??
  Math.min(DEFAULT_RESERVE_BYTES, Math.floor(disk.totalBytes * MOST_OF_DISK));

/** How a refusal begins. */
export const NO_SPACE = 'No space for this job';

/**
 * Whether a job that needs `neededBytes` in all, what it has already among them, can be given the room:
 * within its own limit, that of the host, and what the disk has free beyond its reserve and what other
 * jobs were promised and have not used yet. Undefined where it can.
 */
export function judgeRoom(
  limits: ScratchLimits,
  now: { readonly disk: Disk; readonly jobs: readonly JobScratch[] },
  request: { readonly jobId: number; readonly neededBytes: number },
): NoRoom | undefined {
  const { neededBytes } = request;
  const needs = `${NO_SPACE}: it needs about ${formatBytes(neededBytes)} of scratch`;
  const refuse = (why: string, isTerminal: boolean): NoRoom => ({
    message: `${needs}, ${why}`,
    isTerminal,
  });

  const { jobBytes, hostBytes } = limits;
  if (jobBytes !== undefined && neededBytes > jobBytes) {
    return refuse(`one job may use ${formatBytes(jobBytes)}`, true);
  }
  if (hostBytes !== undefined && neededBytes > hostBytes) {
    return refuse(`all jobs together may use ${formatBytes(hostBytes)}`, true);
  }
  const reserveBytes = reserveOf(limits, now.disk);
  const inReserve = `${formatBytes(reserveBytes)} are kept in reserve`;
  if (neededBytes > now.disk.totalBytes - reserveBytes) {
    return refuse(
      `the whole disk has ${formatBytes(now.disk.totalBytes)}, of which ${inReserve}`,
      true,
    );
  }

  const others = now.jobs.filter((job) => job.jobId !== request.jobId);
  const ownBytes = now.jobs.find((job) => job.jobId === request.jobId)?.usedBytes ?? 0;
  const moreBytes = Math.max(0, neededBytes - ownBytes);
  const promisedBytes = sum(others, (job) => Math.max(0, job.reservedBytes - job.usedBytes));
  const promised = `${formatBytes(promisedBytes)} are promised to other jobs`;
  if (moreBytes > now.disk.freeBytes - reserveBytes - promisedBytes) {
    const free = `${formatBytes(now.disk.freeBytes)} are free (${inReserve}, ${promised})`;
    return refuse(free, false);
  }
  const usedBytes = ownBytes + sum(others, (job) => job.usedBytes);
  if (hostBytes !== undefined && usedBytes + promisedBytes + moreBytes > hostBytes) {
    return refuse(
      `other jobs use ${formatBytes(usedBytes - ownBytes)} of the ${formatBytes(hostBytes)} that all may use (${promised})`,
      false,
    );
  }
  return undefined;
}

/**
 * The job that is to give way where the disk runs out: of those that are writing the one furthest
 * beyond its reservation, the youngest of equals. Undefined where none writes.
 */
export function selectOverUser(writing: readonly JobScratch[]): JobScratch | undefined {
  const overBytes = (job: JobScratch): number => job.usedBytes - job.reservedBytes;
  return [...writing].sort((a, b) => overBytes(b) - overBytes(a) || b.jobId - a.jobId)[0];
}

const sum = <Item>(items: readonly Item[], value: (item: Item) => number): number =>
  items.reduce((total, item) => total + value(item), 0);
