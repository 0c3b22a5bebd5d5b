import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { jobScratch } from '../../../activities/scratch.ts';
import { createScratchSweep } from '../../../activities/space/sweep.ts';
import { createScratchWatch } from '../../../activities/space/watch.ts';
import { listUnendedJobs } from '../../../src/store/scratch.ts';
import { JobRows } from './jobs.ts';

let rows: JobRows;
let workRoot: string;
let asked: number;

beforeAll(async () => {
  rows = await JobRows.create();
});

afterAll(() => rows.database.drop());

beforeEach(async () => {
  asked = 0;
  workRoot = await mkdtemp(join(tmpdir(), 'task-engine-sweep-'));
});

afterEach(() => rm(workRoot, { recursive: true, force: true }));

const log = pino({ level: 'silent' });

function createSweeper() {
  const limits = { jobBytes: undefined, hostBytes: undefined, reserveBytes: undefined };
  const watch = createScratchWatch({ workRoot, limits, log });
  const sweep = createScratchSweep({
    workRoot,
    watch,
    log,
    listUnended: (jobIds) => {
      asked += 1;
      return listUnendedJobs(rows.db, jobIds);
    },
  });
  return { watch, sweep };
}

/** Leaves scratch files as a killed worker does. */
async function leave(jobId: number, files = 3): Promise<void> {
  for (const stage of ['source', '.tracks-4-1']) {
    const folder = join(jobScratch(workRoot, jobId), stage);
    await mkdir(folder, { recursive: true });
    for (let at = 0; at < files; at++) await writeFile(join(folder, `${at}.mp4`), 'x');
  }
}

test('folders of jobs that ended or were cleared go, those of running and paused jobs stay', async () => {
  const [running, paused, ended, cleared] = [
    await rows.start(),
    await rows.start(),
    await rows.start(),
    await rows.start(),
  ];
  for (const jobId of [running, paused, ended, cleared]) await leave(jobId);
  await rows.setState(paused, 6);
  await rows.end(ended);
  await rows.clear(cleared);
  await createSweeper().sweep();
  expect((await readdir(workRoot)).sort()).toEqual([`job-${running}`, `job-${paused}`].sort());
  expect(await readdir(join(jobScratch(workRoot, paused), 'source'))).toHaveLength(3);
  expect(asked).toBe(1);
});

test('nothing is touched that is not the folder of a job by its name', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'task-engine-outside-'));
  await writeFile(join(outside, 'kept.txt'), 'kept');
  const ended = await rows.start();
  await rows.end(ended);
  const names = [
    'lost+found',
    'job-',
    'job-x',
    `job-0${ended}`,
    `job-${ended}.bak`,
    `xjob-${ended}`,
    'job--1',
    'job-99999999999999999999',
    'JOB-1',
  ];
  for (const name of names) await mkdir(join(workRoot, name));
  await writeFile(join(workRoot, 'notes.txt'), 'of somebody else');
  await writeFile(join(workRoot, 'job-777001'), 'a file');
  await symlink(outside, join(workRoot, 'job-777002'));
  await leave(ended);
  // a link inside goes; what it leads to stays
  await symlink(outside, join(jobScratch(workRoot, ended), 'link'));
  await createSweeper().sweep();
  expect((await readdir(workRoot)).sort()).toEqual(
    [...names, 'notes.txt', 'job-777001', 'job-777002'].sort(),
  );
  expect(await readdir(outside)).toEqual(['kept.txt']);
  await rm(outside, { recursive: true });
});

test('a task that still works for an ended job is stopped as superseded', async () => {
  const [running, ended] = [await rows.start(), await rows.start()];
  await rows.end(ended);
  const { watch, sweep } = createSweeper();
  const [alive, zombie] = [watch.enter(running), watch.enter(ended)];
  await sweep();
  expect(alive.signal.aborted).toBe(false);
  expect(zombie.signal.reason).toMatchObject({ type: 'Superseded' });
});

test('two sweepers at once on one work root do not get in each other’s way', async () => {
  const jobIds: number[] = [];
  for (let at = 0; at < 10; at++) {
    const jobId = await rows.start();
    await rows.end(jobId);
    await leave(jobId, 40);
    jobIds.push(jobId);
  }
  const told: string[] = [];
  const telling = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
  const sweepers = [1, 2].map(() =>
    createScratchSweep({
      workRoot,
      watch: { runningJobs: () => [], stopJob: () => undefined },
      log: telling,
      listUnended: (ids) => listUnendedJobs(rows.db, ids),
    }),
  );
  await Promise.all(sweepers.map((sweep) => sweep()));
  await Promise.all(sweepers.map((sweep) => sweep()));
  expect(await readdir(workRoot)).toEqual([]);
  expect(told).toEqual([]);
});

test('where the database does not answer nothing is removed', async () => {
  const ended = await rows.start();
  await rows.end(ended);
  await leave(ended);
  const sweep = createScratchSweep({
    workRoot,
    watch: { runningJobs: () => [], stopJob: () => undefined },
    log,
    listUnended: () => Promise.reject(new Error('connection refused')),
  });
  await expect(sweep()).rejects.toThrow('connection refused');
  expect(await readdir(workRoot)).toEqual([`job-${ended}`]);
  await createSweeper().sweep();
  expect(await readdir(workRoot)).toEqual([]);
});

test('a work root that is not there yet is no failure', async () => {
  await rm(workRoot, { recursive: true });
  await createSweeper().sweep();
  expect(asked).toBe(0);
});
