import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import type { Db } from '../../../src/store/db.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { countTasks, foldTaskTally } from '../../../src/store/task-tally.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';

/** The last migration before the ledger. */
const BEFORE = '0006_listing';

let database: TestDatabase;

afterEach(() => database.drop());

const addJobs = (db: Db, count: number) =>
  sql`
  INSERT INTO jobs (tenant_id, workflow, queue_state, parameters, search_text)
  SELECT 1, 'vodstream', 1, '{}', '' FROM generate_series(1, ${count}::integer)`.execute(db);

/** A task that begins, and one that ends, as the engine writes them; every third fails. */
async function runTask(db: Db, jobId: number, number: number): Promise<void> {
  await sql`INSERT INTO tasks (job_id, number, name, event, started_at)
            VALUES (${jobId}, ${number}, 'package', 'start', now())`.execute(db);
  const event = number % 3 === 0 ? 'fail' : 'complete';
  await sql`UPDATE tasks SET event = ${event}, ended_at = now()
            WHERE job_id = ${jobId} AND number = ${number}`.execute(db);
}

const counted = async (db: Db) =>
  (
    await sql<{ processed: number; failed: number }>`
      SELECT count(*) AS processed, count(*) FILTER (WHERE event = 'fail') AS failed
      FROM tasks WHERE ended_at IS NOT NULL`.execute(db)
  ).rows[0];

test('the ledger counts what ended before it and while it was made, each task once', async () => {
  database = await createTestDatabase({ last: BEFORE });
  const { db } = database;
  await sql`INSERT INTO tenants (name) VALUES ('a'), ('b')`.execute(db);
  await addJobs(db, 4);
  let isMigrating = true;
  const lanes = [1, 2, 3, 4].map(async (jobId) => {
    for (let number = 1; isMigrating || number < 50; number++) await runTask(db, jobId, number);
  });
  await migrate(db);
  isMigrating = false;
  await Promise.all(lanes);
  expect(await countTasks(db, 1)).toEqual({ ...(await counted(db)), pending: 0 });
  expect(await countTasks(db, 2)).toEqual({ processed: 0, failed: 0, pending: 0 });
});

test('folding, also twice at once and beside tasks that end, changes no count', async () => {
  database = await createTestDatabase();
  const { db } = database;
  await sql`INSERT INTO tenants (name) VALUES ('a')`.execute(db);
  await addJobs(db, 4);
  let isRunning = true;
  const folding = [1, 2].map(async () => {
    while (isRunning) await foldTaskTally(db);
  });
  await Promise.all(
    [1, 2, 3, 4].map(async (jobId) => {
      for (let number = 1; number <= 60; number++) await runTask(db, jobId, number);
    }),
  );
  isRunning = false;
  await Promise.all(folding);
  expect(await countTasks(db, 1)).toEqual({ processed: 240, failed: 80, pending: 0 });
  await foldTaskTally(db);
  const { rows } = await sql`SELECT processed, failed FROM task_tally`.execute(db);
  expect(rows).toEqual([{ processed: 240, failed: 80 }]);
});
