import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransaction } from '../../../src/store/db.ts';
import { submission } from '../../helpers/api.ts';
import { TestEngine, until } from '../../helpers/engine.ts';

const HEADERS = {
  client: 'acme',
  'api-key': 'acme-secret-1',
  'content-type': 'application/json',
  'idempotency-key': 'killed',
};

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  await engine.startApi();
});

afterAll(() => engine?.stop());

const submit = () =>
  fetch(`${engine.apiUrl}/job`, {
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(submission()),
  });

const count = async (table: 'jobs' | 'idempotency_keys'): Promise<number> => {
  const { rows } = await sql<{ count: number }>`SELECT count(*) FROM ${sql.table(table)}`.execute(
    engine.database.db,
  );
  return rows[0]?.count ?? 0;
};

test('an api killed between key and job leaves neither; the repeated request makes the job, once', async () => {
  const { db } = engine.database;
  // with this lock the key can be written and the job cannot
  await inTransaction(db, async (transaction) => {
    await sql`LOCK TABLE jobs IN EXCLUSIVE MODE`.execute(transaction);
    const lost = submit().then(
      () => 'answered',
      () => 'lost',
    );
    await until(
      async () => {
        const { rows } = await sql`
          SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation
          WHERE relname = 'jobs' AND NOT granted`.execute(transaction);
        return rows.length > 0 || undefined;
      },
      10,
      'the job to wait behind its key',
    );
    process.kill(engine.api?.pid ?? 0, 'SIGKILL');
    expect(await lost).toBe('lost');
  });
  await engine.api?.ended;
  await engine.startApi();
  const first = await submit();
  expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([200, null]);
  expect([await count('jobs'), await count('idempotency_keys')]).toEqual([1, 1]);
  const again = await submit();
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await again.json()).toEqual(await first.json());
  expect(await count('jobs')).toBe(1);
});
