import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ScratchLimits } from '../../../activities/space/judge.ts';
import { measureDisk, measureJob } from '../../../activities/space/measure.ts';
import { writeReservation } from '../../../activities/space/reservation.ts';
import { createScratchWatch } from '../../../activities/space/watch.ts';
import { jobScratch } from '../../../activities/scratch.ts';
import { WorkError } from '../../../src/domain/failure.ts';

const MB = 1_000_000;

let workRoot: string;

beforeEach(async () => {
  workRoot = await mkdtemp(join(tmpdir(), 'task-engine-space-'));
});

afterEach(() => rm(workRoot, { recursive: true, force: true }));

const watchWith = (limits: Partial<ScratchLimits>) =>
  createScratchWatch({
    workRoot,
    limits: { jobBytes: undefined, hostBytes: undefined, reserveBytes: 0, ...limits },
    log: pino({ level: 'silent' }),
  });

/** A reserve that no disk has: it is always below. */
const ALWAYS_LOW = { reserveBytes: Number.MAX_SAFE_INTEGER };

/** Makes a job's files grow, as its tools do. */
async function write(jobId: number, sizeBytes: number): Promise<void> {
  const folder = join(jobScratch(workRoot, jobId), '.tracks-4-1');
  await mkdir(folder, { recursive: true });
  await appendFile(join(folder, 'track.mp4'), Buffer.alloc(sizeBytes, 1));
}

test('use is what files take on the disk, in nested folders too; holes take nothing', async () => {
  await write(5, 3 * MB);
  const sparse = join(jobScratch(workRoot, 5), 'source', 'sparse.mp4');
  await mkdir(join(sparse, '..'));
  await writeFile(sparse, '');
  await truncate(sparse, 50e9);
  await writeReservation(workRoot, 5, 12 * MB);
  const { usedBytes, reservedBytes } = await measureJob(workRoot, 5);
  expect(reservedBytes).toBe(12 * MB);
  expect(usedBytes).toBeGreaterThanOrEqual(3 * MB);
  expect(usedBytes).toBeLessThan(3.1 * MB);
  expect(await measureJob(workRoot, 6)).toEqual({ jobId: 6, usedBytes: 0, reservedBytes: 0 });
});

test('a work root that is not there yet is made when its disk is asked for', async () => {
  const disk = await measureDisk(join(workRoot, 'not', 'yet'));
  expect(disk.totalBytes).toBeGreaterThan(disk.freeBytes);
});

test('a job that goes on writing beyond its limit fails for good, all its tasks, and no other job', async () => {
  const watch = watchWith({ jobBytes: 2 * MB });
  const [one, two, other] = [watch.enter(5), watch.enter(5), watch.enter(6)];
  await write(5, MB);
  await write(6, MB);
  await watch.look();
  await write(5, 2 * MB);
  await watch.look();
  for (const task of [one, two]) {
    expect(task.signal.reason).toMatchObject({ type: 'NoSpace', isTerminal: true });
    expect(task.signal.reason.message).toMatch(
      /^No space for this job: it uses 3\.0 MB of scratch, one job may use 2\.0 MB$/,
    );
  }
  expect(other.signal.aborted).toBe(false);
});

test('a job beyond its limit that writes nothing more is left to publish and clean up', async () => {
  const watch = watchWith({ jobBytes: MB });
  await write(5, 3 * MB);
  const task = watch.enter(5);
  for (let looks = 0; looks < 3; looks++) await watch.look();
  expect(task.signal.aborted).toBe(false);
});

test('below the reserve one job gives way, the one furthest beyond its promise, and is given time', async () => {
  const watch = watchWith(ALWAYS_LOW);
  await writeReservation(workRoot, 1, 50 * MB);
  await writeReservation(workRoot, 2, MB);
  await writeReservation(workRoot, 3, 4 * MB);
  const tasks = [1, 2, 3].map((jobId) => watch.enter(jobId));
  const stopped = () => tasks.map((task) => task.signal.aborted);
  const writeAll = () => Promise.all([write(1, 2 * MB), write(2, MB), write(3, MB)]);
  await writeAll();
  await watch.look();
  expect(stopped()).toEqual([false, false, false]);
  await writeAll();
  await watch.look();
  expect(stopped()).toEqual([false, true, false]);
  expect(tasks[1]?.signal.reason).toMatchObject({ type: 'NoSpace', isTerminal: false });
  expect(tasks[1]?.signal.reason.message).toMatch(
    /^No space for this job: it uses 2\.0 MB of scratch, and [\d.]+ [GT]B are free on the disk, where .* are kept in reserve$/,
  );
  tasks[1]?.leave();
  await rm(jobScratch(workRoot, 2), { recursive: true });
  for (let looks = 0; looks < 4; looks++) {
    await write(1, 1000);
    await write(3, 1000);
    await watch.look();
    expect(stopped()).toEqual([false, true, false]);
  }
  // the space did not suffice
  await write(1, 10_000);
  await write(3, 10_000);
  await watch.look();
  expect(stopped()).toEqual([false, true, true]);
});

test('two processes on one disk stop the same one job', async () => {
  const [here, there] = [watchWith(ALWAYS_LOW), watchWith(ALWAYS_LOW)];
  await writeReservation(workRoot, 1, 9 * MB);
  await writeReservation(workRoot, 2, MB);
  const [modest, greedy] = [here.enter(1), there.enter(2)];
  for (let looks = 0; looks < 4; looks++) {
    await write(1, MB);
    if (!greedy.signal.aborted) await write(2, MB);
    await Promise.all([here.look(), there.look()]);
  }
  expect([modest.signal.aborted, greedy.signal.aborted]).toEqual([false, true]);
});

test('beyond the host’s limit one job gives way and says what all use', async () => {
  const watch = watchWith({ hostBytes: 3 * MB });
  await writeReservation(workRoot, 2, 9 * MB);
  const [over, within] = [watch.enter(1), watch.enter(2)];
  for (let looks = 0; looks < 2; looks++) {
    await write(1, MB);
    await write(2, MB);
    await watch.look();
  }
  expect(over.signal.reason.message).toMatch(/all jobs together 4\.0 MB of the 3\.0 MB they may/);
  expect(within.signal.aborted).toBe(false);
});

test('where neither limit nor reserve is touched nothing is stopped', async () => {
  const watch = watchWith({ jobBytes: 100 * MB, hostBytes: 200 * MB });
  const task = watch.enter(1);
  for (let looks = 0; looks < 3; looks++) {
    await write(1, MB);
    await watch.look();
  }
  expect(task.signal.aborted).toBe(false);
});

test('tasks are known by their job until the last of it has left, and can be stopped by it', () => {
  const watch = watchWith({});
  const [one, two] = [watch.enter(5), watch.enter(5)];
  one.leave();
  expect(watch.runningJobs()).toEqual([5]);
  watch.stopJob(5, new WorkError('Superseded', 'ended'));
  expect([one.signal.aborted, two.signal.aborted]).toEqual([false, true]);
  two.leave();
  expect(watch.runningJobs()).toEqual([]);
});
