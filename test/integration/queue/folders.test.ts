import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJournal } from '../../../activities/journal/journal.ts';
import { createReconcile, type ExecutionState } from '../../../activities/reconcile/reconcile.ts';
import { NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { admitJobs } from '../../../src/store/admission.ts';
import type { Db } from '../../../src/store/db.ts';
import { findClashingJob } from '../../../src/store/folder-waits.ts';
import { haltPausedJob } from '../../../src/store/job-changes.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { claimOutbox, settleOutbox } from '../../../src/store/outbox.ts';
import { rerunJob } from '../../../src/store/rerun.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { clearing, createFolderJobs, writing } from './folder-jobs.ts';

const SILENT = createLogger({ name: 'test', level: 'silent', format: 'json' });

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

/** As a dispatcher does: Temporal is told all. */
async function tellTemporal(): Promise<void> {
  for (const entry of await claimOutbox(db, 100)) await settleOutbox(db, entry);
}

test('a job waits for its folder without a slot, is told once for whom, and goes when it is free', async () => {
  const tenantId = await newTenant(2);
  const [first = 0, second = 0, third = 0, other = 0] = await submit(
    tenantId,
    writing('o/a'),
    writing('o/a'),
    writing('o/a'),
    writing('o/a1'),
  );
  expect(await admitJobs(db, tenantId)).toEqual([first, other]);
  await end(other);
  expect([await stateOf(second), await stateOf(third)]).toEqual(['queued', 'queued']);
  expect(await admitJobs(db, tenantId)).toEqual([]);
  expect(await messagesOf(second)).toEqual([
    `Waits for job ${first}, which writes the same folder: o/a`,
  ]);
  await end(first);
  expect([await stateOf(second), await stateOf(third)]).toEqual(['started', 'queued']);
  expect(await messagesOf(third)).toContain(
    `Waits for job ${second}, which writes the same folder: o/a`,
  );
});

test('slots go to whatever is behind, however many wait for one folder', async () => {
  const tenantId = await newTenant(4);
  const waiting = Array.from({ length: 200 }, () => writing('o/a'));
  const [first] = await submit(tenantId, ...waiting);
  const behind = await submit(
    tenantId,
    writing('o/b'),
    writing('o/b'),
    clearing('o'),
    writing('p'),
  );
  expect(await admitJobs(db, tenantId)).toEqual([first, behind[0], behind[3]]);
  // only those are told that would have had a slot
  const { rows } = await sql<{ count: number }>`
    SELECT count(*) FROM logs JOIN jobs ON jobs.id = job_id
    WHERE tenant_id = ${tenantId} AND logs.message LIKE 'Waits for%'`.execute(db);
  expect(rows[0]?.count).toBe(3);
});

test('a job that clears waits for all that work below, and holds all of it', async () => {
  const tenantId = await newTenant(5);
  const below = await submitOne(tenantId, { ...NO_CLAIMS, readsFrom: ['o/movie/in'] });
  expect(await admitJobs(db, tenantId)).toEqual([below]);
  const clear = await submitOne(tenantId, clearing('o/movie'));
  expect(await admitJobs(db, tenantId)).toEqual([]);
  expect(await messagesOf(clear)).toEqual([
    `Waits for job ${below}, which works in the folder that this one deletes: o/movie`,
  ]);
  await end(below);
  expect(await stateOf(clear)).toBe('started');
  const [inside, beside] = await submit(tenantId, writing('o/movie/x'), writing('o/movie1'));
  expect(await admitJobs(db, tenantId)).toEqual([beside]);
  await end(clear);
  expect(await stateOf(inside ?? 0)).toBe('started');
});

test('a paused job holds its folder and not its slot, and does not wait for itself when it is put back', async () => {
  const tenantId = await newTenant(1);
  const paused = await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  const [same = 0, other = 0] = await submit(tenantId, writing('o/a'), writing('o/b'));
  await change(tenantId, paused, 'paused');
  await haltPausedJob(db, paused);
  expect([await stateOf(same), await stateOf(other)]).toEqual(['queued', 'started']);
  await end(other);
  expect(await stateOf(same)).toBe('queued');
  await change(tenantId, paused, 'queued');
  expect([await stateOf(paused), await stateOf(same)]).toEqual(['started', 'queued']);
  await end(paused);
  expect(await stateOf(same)).toBe('started');
});

test('a job that never ran holds nothing while it is paused', async () => {
  const tenantId = await newTenant(1);
  const [paused = 0, same = 0] = await submit(tenantId, writing('o/a'), writing('o/a'));
  await change(tenantId, paused, 'paused');
  expect([await stateOf(paused), await stateOf(same)]).toEqual(['paused', 'started']);
});

test('another tenant’s job holds nothing of this one', async () => {
  const [one, other] = [await newTenant(1), await newTenant(1)];
  const [held, free] = [
    await submitOne(one, writing('o/a')),
    await submitOne(other, writing('o/a')),
  ];
  expect([await admitJobs(db, one), await admitJobs(db, other)]).toEqual([[held], [free]]);
  expect(await findClashingJob(db, other, writing('o/a'))).toMatchObject({ jobId: free });
});

test('a job that is given up holds its folder until its execution has ended, whoever ended that', async () => {
  const tenantId = await newTenant(1);
  const broken = await submitOne(tenantId, writing('o/a'));
  await admitJobs(db, tenantId);
  await tellTemporal();
  const next = await submitOne(tenantId, writing('o/a'));
  await change(tenantId, broken, 'paused');
  await haltPausedJob(db, broken);
  await change(tenantId, broken, 'broken');
  await tellTemporal();
  expect(await admitJobs(db, tenantId)).toEqual([]);
  // terminated by hand before it had run its end code
  await sql`UPDATE jobs SET dispatched_at = now() - interval '1 minute' WHERE id = ${broken}`.execute(
    db,
  );
  const reconcile = createReconcile({
    db,
    journal: createJournal({ db }),
    log: SILENT,
    describeExecution: (jobId): Promise<ExecutionState> =>
      Promise.resolve(
        jobId === broken ? { kind: 'closed', reason: 'terminated' } : { kind: 'running' },
      ),
  });
  expect(await reconcile(() => undefined)).toEqual({ ended: 1, restarted: 0 });
  expect(await getJob(db, broken)).toMatchObject({ state: 'broken', isFailed: true });
  expect(await stateOf(next)).toBe('started');
});

test('a job that is run again takes what it is given, else what the original took', async () => {
  const tenantId = await newTenant(5);
  const jobs = await submit(tenantId, writing('o/a'), writing('o/b'));
  await admitJobs(db, tenantId);
  for (const id of jobs) await end(id);
  const [copied = 0, moved = 0] = jobs;
  await rerunJob(db, tenantId, copied);
  await rerunJob(db, tenantId, moved, () => clearing('p/"b"'));
  expect(await findClashingJob(db, tenantId, writing('o/a'))).toMatchObject({
    clash: { kind: 'writes', location: 'o/a' },
  });
  expect(await findClashingJob(db, tenantId, writing('o/b'))).toBeUndefined();
  expect(await findClashingJob(db, tenantId, writing('p/"b"/x'))).toMatchObject({
    clash: { kind: 'clears', location: 'p/"b"' },
  });
});
