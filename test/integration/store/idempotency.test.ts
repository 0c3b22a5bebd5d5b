import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Db } from '../../../src/store/db.ts';
import { type KeyedOutcome, makeOnce } from '../../../src/store/idempotency.ts';
import { rerunJob } from '../../../src/store/rerun.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await sql`INSERT INTO tenants (name) VALUES ('a')`.execute(database.db);
});

afterAll(() => database.drop());

async function endedJob(): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO jobs (tenant_id, workflow, queue_state, parameters, search_text, ended_at)
    VALUES (1, 'vodstream', 2, '{}', '', now()) RETURNING id`.execute(database.db);
  return rows[0]?.id ?? 0;
}

const request = (key: string) => ({ tenantId: 1, key, hash: Buffer.alloc(32) });

const rerun = (jobId: number) => async (transaction: Db) => {
  const outcome = await rerunJob(transaction, 1, jobId);
  if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
  return outcome.jobId;
};

const count = async (table: string): Promise<number> => {
  const { rows } = await sql<{ count: number }>`SELECT count(*) FROM ${sql.table(table)}`.execute(
    database.db,
  );
  return rows[0]?.count ?? 0;
};

test('what makes a job in a transaction of its own, as a rerun does, joins that of its key', async () => {
  const { db } = database;
  const jobId = await endedJob();
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => makeOnce(db, request('rerun'), rerun(jobId))),
  );
  const ids = outcomes.map((one: KeyedOutcome) => ('jobId' in one ? one.jobId : undefined));
  expect(new Set(ids).size).toBe(1);
  expect(outcomes.filter((one) => one.kind === 'made')).toHaveLength(1);
  expect(outcomes.filter((one) => one.kind === 'repeated')).toHaveLength(19);
});

test('a failure takes back the key together with all that was made', async () => {
  const { db } = database;
  const jobId = await endedJob();
  const [jobs, keys] = [await count('jobs'), await count('idempotency_keys')];
  const failing = makeOnce(db, request('failing'), async (transaction) => {
    await rerun(jobId)(transaction);
    throw new Error('the process gave up');
  });
  await expect(failing).rejects.toThrow('the process gave up');
  expect([await count('jobs'), await count('idempotency_keys')]).toEqual([jobs, keys]);
});
