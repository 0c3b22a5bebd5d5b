import { expect, test } from 'vitest';
import { NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import { createPicker, type QueuedJob } from '../../../src/domain/pick-jobs.ts';

const job = (id: number, folder: string, more: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  priority: 5,
  hasRun: false,
  claims: { ...NO_CLAIMS, writesTo: [folder] },
  ...more,
});

const pick = (
  jobs: readonly QueuedJob[],
  options: Partial<Parameters<typeof createPicker>[0]> = {},
) => {
  const picker = createPicker({
    free: { any: 2, ordinary: 2 },
    priorityThreshold: 5,
    holders: [],
    ...options,
  });
  const isOpen = jobs.every(picker.offer);
  return {
    admitted: picker.admitted.map((one) => one.id),
    waits: picker.passed.map(({ jobId, wait }) => [jobId, wait.jobId]),
    isOpen,
  };
};

test('of jobs that write one folder the first gets a slot, the next job the other', () => {
  expect(pick([job(1, 'a'), job(2, 'a'), job(3, 'b')])).toMatchObject({
    admitted: [1, 3],
    waits: [[2, 1]],
  });
});

test('a job waits for who holds its folder', () => {
  const holders = [{ ...job(7, 'a'), isAtWork: true }];
  expect(pick([job(8, 'a'), job(9, 'a')], { holders })).toEqual({
    admitted: [],
    waits: [
      [8, 7],
      [9, 7],
    ],
    isOpen: true,
  });
});

test('a job that was put back does not wait for itself', () => {
  const back = job(7, 'a', { hasRun: true });
  expect(pick([back, job(8, 'a')], { holders: [{ ...back, isAtWork: false }] })).toMatchObject({
    admitted: [7],
    waits: [[8, 7]],
  });
});

test('reserved slots stay for priority jobs, and whoever waits for a folder takes none', () => {
  const jobs = [job(1, 'a'), job(2, 'a'), job(3, 'b', { priority: 9 })];
  expect(pick(jobs, { free: { any: 2, ordinary: 1 } })).toMatchObject({ admitted: [1, 3] });
  expect(pick(jobs, { free: { any: 2, ordinary: 0 } })).toMatchObject({
    admitted: [1],
    isOpen: false,
  });
});
