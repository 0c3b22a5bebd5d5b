import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { jobScratch } from '../../../activities/scratch.ts';
import type { ScratchLimits } from '../../../activities/space/judge.ts';
import { readReservation } from '../../../activities/space/reservation.ts';
import { createReserve } from '../../../activities/space/reserve.ts';
import { closeDb, createDb, type Db } from '../../../src/store/db.ts';
import { withScratchLock } from '../../../src/store/scratch.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';

const MB = 1_000_000;

let database: TestDatabase;
let other: Db;
let workRoot: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const { url } = database;
  other = createDb({ url, poolSize: 10, applicationName: 'other', onError: () => undefined });
});

afterAll(async () => {
  await closeDb(other);
  await database.drop();
});

beforeEach(async () => {
  workRoot = await mkdtemp(join(tmpdir(), 'task-engine-reserve-'));
});

afterEach(() => rm(workRoot, { recursive: true, force: true }));

const reserveWith = (limits: Partial<ScratchLimits>, db: Db = database.db) =>
  createReserve({
    workRoot,
    limits: { jobBytes: undefined, hostBytes: undefined, reserveBytes: 0, ...limits },
    withLock: (work) => withScratchLock(db, work),
  });

test('what is left is promised once, however many jobs in two processes ask for it at once', async () => {
  const limits = { hostBytes: 10 * MB };
  const [one, two] = [reserveWith(limits), reserveWith(limits, other)];
  const asked = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : two)(at + 1, 3 * MB));
  const ends = await Promise.allSettled(asked);
  const refused = ends.filter((end) => end.status === 'rejected');
  expect(refused).toHaveLength(17);
  for (const { reason } of refused) expect(reason).toMatchObject({ type: 'NoSpace' });
  expect(await readdir(workRoot)).toHaveLength(3);
});

test('a refusal leaves no promise, and the retry of a job that has one is not in its own way', async () => {
  const reserve = reserveWith({ hostBytes: 10 * MB });
  await reserve(1, 8 * MB);
  await expect(reserve(2, 3 * MB)).rejects.toMatchObject({ type: 'NoSpace', isTerminal: false });
  expect(await readdir(workRoot)).toEqual(['job-1']);
  await reserve(1, 9 * MB);
  expect(await readReservation(workRoot, 1)).toBe(9 * MB);
  expect(await readdir(jobScratch(workRoot, 1))).toEqual(['.reservation.json']);
});

test('the promise goes with the job’s folder', async () => {
  const reserve = reserveWith({ hostBytes: 10 * MB });
  await reserve(1, 8 * MB);
  await rm(jobScratch(workRoot, 1), { recursive: true });
  await reserve(2, 8 * MB);
});

test('a promise that was cut off in the middle counts for nothing', async () => {
  const reserve = reserveWith({});
  await reserve(1, 8 * MB);
  const path = join(jobScratch(workRoot, 1), '.reservation.json');
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 5));
  expect(await readReservation(workRoot, 1)).toBe(0);
});

test('the disk itself is asked: a job as large as all disks is refused for good', async () => {
  await expect(reserveWith({})(1, 1e18)).rejects.toMatchObject({
    type: 'NoSpace',
    isTerminal: true,
    message: expect.stringMatching(/^No space for this job: it needs about .* the whole disk has/),
  });
});
