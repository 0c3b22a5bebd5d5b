import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FolderClaims, NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import { describeWait } from '../../../src/domain/folder-queue.ts';
import { createPicker } from '../../../src/domain/pick-jobs.ts';
import { admitJobs } from '../../../src/store/admission.ts';
import type { Db } from '../../../src/store/db.ts';
import { listHolders } from '../../../src/store/folder-claims.ts';
import { findWaits } from '../../../src/store/folder-waits.ts';
import { haltPausedJob } from '../../../src/store/job-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { between, createRandom, type Random } from '../../helpers/faults.ts';
import { clearing, createFolderJobs, writing } from './folder-jobs.ts';

let database: TestDatabase;
let db: Db;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
});

afterAll(() => database.drop());

const { newTenant, submit, submitOne, stateOf, end, messagesOf, change } = createFolderJobs(
  () => db,
);

/** Mostly a folder of a few, so that most jobs wait. */
const someClaims = (random: Random, clears: number): FolderClaims => {
  const folder = () => (random() < 0.1 ? 'o' : `o/${between(random, 0, 5)}`);
  return {
    writesTo: random() < 0.1 ? [] : random() < 0.1 ? [folder(), folder()] : [folder()],
    readsFrom: random() < 0.3 ? [folder()] : [],
    clears: random() < clears,
  };
};

test('a deletion goes before what was submitted after it, however busy the folders below are', async () => {
  const tenantId = await newTenant(3);
  const [first = 0] = await submit(tenantId, writing('o/0'));
  await admitJobs(db, tenantId);
  const deletion = await submitOne(tenantId, clearing('o'));
  const later: number[] = [];
  for (let n = 1; n < 6; n++) {
    later.push(await submitOne(tenantId, writing(`o/${n}`)));
    expect(await admitJobs(db, tenantId)).toEqual([]);
  }
  const beside = await submitOne(tenantId, writing('p'));
  expect(await admitJobs(db, tenantId)).toEqual([beside]);
  expect(await messagesOf(later[0] ?? 0)).toEqual([
    `Waits for job ${deletion}, which is ahead in the queue and deletes the folder: o`,
  ]);
  await end(first);
  expect([await stateOf(deletion), await stateOf(later[0] ?? 0)]).toEqual(['started', 'queued']);
  await end(deletion);
  expect([await stateOf(later[0] ?? 0), await stateOf(later[1] ?? 0)]).toEqual([
    'started',
    'started',
  ]);
});

test('a deletion that waits for a paused job lets others go, until that one is put back', async () => {
  const tenantId = await newTenant(2);
  const paused = await submitOne(tenantId, writing('o/0'));
  await admitJobs(db, tenantId);
  await change(tenantId, paused, 'paused');
  await haltPausedJob(db, paused);
  const [deletion = 0, one = 0] = await submit(tenantId, clearing('o'), writing('o/1'));
  expect(await admitJobs(db, tenantId)).toEqual([one]);
  await change(tenantId, paused, 'queued');
  const two = await submitOne(tenantId, writing('o/2'));
  await end(one);
  await end(paused);
  expect([await stateOf(deletion), await stateOf(two)]).toEqual(['started', 'queued']);
});

test('what cannot run yet makes nobody wait: a scheduled job, and one paused before it ran', async () => {
  const tenantId = await newTenant(2);
  const running = await submitOne(tenantId, writing('o/0'));
  await admitJobs(db, tenantId);
  const [paused = 0, scheduled = 0] = await submit(tenantId, clearing('o'), clearing('o'));
  await change(tenantId, paused, 'paused');
  await sql`UPDATE jobs SET queue_state = 5, run_at = now() + interval '1 day' WHERE id = ${scheduled}`.execute(
    db,
  );
  const next = await submitOne(tenantId, writing('o/1'));
  expect(await admitJobs(db, tenantId)).toEqual([next]);
  expect(await stateOf(running)).toBe('started');
});

test.each(['paused', 'broken'] as const)(
  'a deletion that waits and is made %s makes nobody wait from then on',
  async (state) => {
    const tenantId = await newTenant(3);
    const running = await submitOne(tenantId, writing('o/0'));
    await admitJobs(db, tenantId);
    const [deletion = 0, next = 0] = await submit(tenantId, clearing('o'), writing('o/1'));
    expect(await admitJobs(db, tenantId)).toEqual([]);
    await change(tenantId, deletion, state);
    expect([await stateOf(running), await stateOf(next)]).toEqual(['started', 'started']);
  },
);

test('where the job is paused that a deletion waits for, others go at once', async () => {
  const tenantId = await newTenant(3);
  const running = await submitOne(tenantId, writing('o/0'));
  await admitJobs(db, tenantId);
  const [, next = 0] = await submit(tenantId, clearing('o'), writing('o/1'));
  expect(await admitJobs(db, tenantId)).toEqual([]);
  await change(tenantId, running, 'paused');
  expect(await stateOf(next)).toBe('started');
});

test('a priority job goes before a deletion that waits, and one of the same priority does not', async () => {
  const tenantId = await newTenant(2);
  const running = await submitOne(tenantId, writing('o/0'));
  await admitJobs(db, tenantId);
  const [, same = 0, urgent = 0] = await submit(
    tenantId,
    clearing('o'),
    writing('o/1'),
    writing('o/2'),
  );
  await sql`UPDATE jobs SET priority = 1 WHERE id = ${urgent}`.execute(db);
  expect(await admitJobs(db, tenantId)).toEqual([urgent]);
  expect([await stateOf(running), await stateOf(same)]).toEqual(['started', 'queued']);
});

test('for whom a job waits is said of all that are not next in one of their folders', async () => {
  const tenantId = await newTenant(1);
  const other = await submitOne(tenantId, writing('p'));
  await admitJobs(db, tenantId);
  const ids = await submit(
    tenantId,
    writing('o/a'),
    clearing('o'),
    { ...writing('q'), readsFrom: ['o/b'] },
    writing('p'),
    writing('o1'),
    writing('q'),
  );
  const waits = await findWaits(
    db,
    tenantId,
    ids.map((id) => ({ id, state: 'queued' })),
  );
  const [write, clear, read, held, , last] = ids;
  expect([...waits].map(([id, wait]) => [id, wait.jobId, describeWait(wait)])).toEqual([
    [held, other, 'writes the same folder: p'],
    [clear, write, 'is ahead in the queue and works in the folder that this one deletes: o'],
    [read, clear, 'is ahead in the queue and deletes the folder: o'],
    [last, read, 'is ahead in the queue and writes the same folder: q'],
  ]);
});

test('a deletion waits for one ahead of it that is to read its folder, however far behind both are', async () => {
  const tenantId = await newTenant(2);
  const holder = await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  const [, , deletion = 0] = await submit(
    tenantId,
    writing('o/a'),
    { ...writing('o/a'), readsFrom: ['i/a'] },
    clearing('i'),
  );
  expect(await admitJobs(db, tenantId)).toEqual([]);
  await end(holder);
  expect(await stateOf(deletion)).toBe('queued');
});

test('a job that was put back gets its slot although one ahead of it waits for its folder', async () => {
  const tenantId = await newTenant(1);
  const paused = await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  await change(tenantId, paused, 'paused');
  await haltPausedJob(db, paused);
  const urgent = await submitOne(tenantId, writing('o/a'));
  await sql`UPDATE jobs SET priority = 1 WHERE id = ${urgent}`.execute(db);
  await change(tenantId, paused, 'queued');
  expect([await stateOf(paused), await stateOf(urgent)]).toEqual(['started', 'queued']);
  await end(paused);
  expect(await stateOf(urgent)).toBe('started');
});

test('a slot goes to the first that can run, behind a hundred that cannot', async () => {
  const tenantId = await newTenant(3);
  await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  const waiting = (n: number) => ({ ...NO_CLAIMS, writesTo: [`o/b${n}`, 'o/a'] });
  await submit(tenantId, ...Array.from({ length: 100 }, (_, n) => waiting(n)));
  const behind = await submit(tenantId, writing('o/b99'), NO_CLAIMS, writing('o/a'), NO_CLAIMS);
  expect(await admitJobs(db, tenantId)).toEqual([behind[1], behind[3]]);
});

test('a job that writes nothing does not wait behind one that writes', async () => {
  const tenantId = await newTenant(2);
  await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  const [, free] = await submit(tenantId, writing('o/a'), { ...NO_CLAIMS, readsFrom: ['o/a'] });
  expect(await admitJobs(db, tenantId)).toEqual([free]);
});

test('what the database leaves out of a queue changes nothing about who gets a slot', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  for (let at = 0; at < 60; at++) {
    const slots = between(random, 1, 4);
    const tenantId = await newTenant(slots + 1);
    const clears = at % 2 === 0 ? 0.1 : 0;
    await submitOne(tenantId, writing(`o/${between(random, 0, 3)}`));
    const holder = await admitJobs(db, tenantId);
    expect(holder).toHaveLength(1);
    const claims = Array.from({ length: 40 }, () => someClaims(random, clears));
    const ids = await submit(tenantId, ...claims);
    const picker = createPicker({
      free: { any: slots, ordinary: slots },
      priorityThreshold: 5,
      holders: await listHolders(db, tenantId),
    });
    const jobs = ids.map((id, n) => ({ id, priority: 5, hasRun: false, claims: claims[n] }));
    jobs.every((job) => picker.offer({ ...job, claims: job.claims ?? NO_CLAIMS }));
    expect({ seed, at, admitted: await admitJobs(db, tenantId) }).toEqual({
      seed,
      at,
      admitted: picker.admitted.map((job) => job.id),
    });
  }
});
