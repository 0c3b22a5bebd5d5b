import { describe, expect, test } from 'vitest';
import {
  judgeRoom,
  type JobScratch,
  reserveOf,
  type ScratchLimits,
  selectOverUser,
} from '../../../activities/space/judge.ts';

const GB = 1e9;
const NO_LIMITS: ScratchLimits = {
  jobBytes: undefined,
  hostBytes: undefined,
  reserveBytes: GB,
};
const DISK = { totalBytes: 100 * GB, freeBytes: 20 * GB };

const job = (jobId: number, usedBytes: number, reservedBytes: number): JobScratch => ({
  jobId,
  usedBytes,
  reservedBytes,
});

const judge = (
  neededBytes: number,
  options: {
    readonly limits?: Partial<ScratchLimits>;
    readonly jobs?: readonly JobScratch[];
    readonly freeBytes?: number;
  } = {},
) =>
  judgeRoom(
    { ...NO_LIMITS, ...options.limits },
    {
      disk: { ...DISK, freeBytes: options.freeBytes ?? DISK.freeBytes },
      jobs: options.jobs ?? [],
    },
    { jobId: 7, neededBytes },
  );

describe('a job is given room', () => {
  test('up to the last byte beside the reserve', () => {
    expect(judge(19 * GB)).toBeUndefined();
    expect(judge(19 * GB + 1)).toBeDefined();
  });

  test('beside what others were promised and have not used, and not beside what they have used', () => {
    const jobs = [job(1, 4 * GB, 10 * GB), job(2, 5 * GB, 1 * GB), job(3, 2 * GB, 0)];
    expect(judge(13 * GB, { jobs })).toBeUndefined();
    expect(judge(13 * GB + 1, { jobs })).toBeDefined();
  });

  test('for what it still lacks: its own files and its own former promise do not count against it', () => {
    const jobs = [job(7, 18 * GB, 30 * GB)];
    expect(judge(37 * GB, { jobs })).toBeUndefined();
    expect(judge(37 * GB + 1, { jobs })).toBeDefined();
  });

  test('within the host’s limit, of which others have what they use or were promised', () => {
    const limits = { hostBytes: 15 * GB };
    const jobs = [job(1, 4 * GB, 10 * GB)];
    expect(judge(5 * GB, { limits, jobs })).toBeUndefined();
    expect(judge(5 * GB + 1, { limits, jobs })).toMatchObject({ isTerminal: false });
  });
});

describe('a refusal', () => {
  test('that waiting may lift says how much there is, and for whom the rest is kept', () => {
    expect(judge(12 * GB, { freeBytes: 3 * GB, jobs: [job(1, 0, GB / 2)] })).toEqual({
      message:
        'No space for this job: it needs about 12.0 GB of scratch, 3.0 GB are free ' +
        '(1.0 GB are kept in reserve, 500.0 MB are promised to other jobs)',
      isTerminal: false,
    });
  });

  test.each([
    [{ jobBytes: 11 * GB }, 'one job may use 11.0 GB'],
    [{ hostBytes: 11 * GB }, 'all jobs together may use 11.0 GB'],
  ])('is for good where a limit is smaller than the job: %o', (limits, why) => {
    expect(judge(12 * GB, { limits })).toEqual({
      message: `No space for this job: it needs about 12.0 GB of scratch, ${why}`,
      isTerminal: true,
    });
  });

  test('is for good where the whole disk is smaller than the job', () => {
    expect(judge(99 * GB)).toMatchObject({ isTerminal: false });
    expect(judge(99 * GB + 1)).toMatchObject({
      isTerminal: true,
      message: expect.stringMatching(/the whole disk has 100\.0 GB, of which 1\.0 GB are kept/),
    });
  });
});

test('the reserve is 1 GiB, 5 % of a small disk, or what the operator says', () => {
  const limits = { ...NO_LIMITS, reserveBytes: undefined };
  const disk = (totalBytes: number) => ({ totalBytes, freeBytes: 0 });
  expect(reserveOf(limits, disk(64 * 2 ** 20))).toBe(Math.floor(3.2 * 2 ** 20));
  expect(reserveOf(limits, disk(100 * GB))).toBe(2 ** 30);
  expect(reserveOf(limits, disk(Infinity))).toBe(2 ** 30);
  expect(reserveOf({ ...limits, reserveBytes: 0 }, disk(100 * GB))).toBe(0);
});

test('a disk whose size nobody tells has room for every job', () => {
  const disk = { totalBytes: Infinity, freeBytes: Infinity };
  const request = { jobId: 7, neededBytes: 1e15 };
  expect(judgeRoom(NO_LIMITS, { disk, jobs: [] }, request)).toBeUndefined();
});

test('who gives way is furthest beyond its promise, however large others are; of equals the youngest', () => {
  const over = (...jobs: readonly JobScratch[]) => selectOverUser(jobs)?.jobId;
  expect(over(job(1, 50 * GB, 60 * GB), job(2, 3 * GB, 2 * GB), job(3, 9 * GB, 9 * GB))).toBe(2);
  expect(over(job(1, 5 * GB, 6 * GB), job(2, 2 * GB, 3 * GB))).toBe(2);
  expect(over()).toBeUndefined();
});
