import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { executePrepared, inTransaction } from '../../../src/store/db.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

test('a connection that breaks inside a transaction fails that transaction and nothing else', async () => {
  const { db } = database;
  const broken = inTransaction(db, async (transaction) => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(
      transaction,
    );
    await sql`SELECT pg_terminate_backend(${rows[0]?.pid ?? 0})`.execute(db);
    // the connection tells of its end while no statement is under way
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sql`SELECT 1`.execute(transaction);
  });
  await expect(broken).rejects.toThrow(/terminat|not queryable/);
  const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(db);
  expect(rows).toEqual([{ one: 1 }]);
});

test('a prepared statement is planned once a connection and takes other values each time', async () => {
  await inTransaction(database.db, async (transaction) => {
    for (const value of [1, 2, 3]) {
      const { rows } = await executePrepared(
        transaction,
        'test_double',
        sql<{ doubled: number }>`SELECT ${value}::integer * 2 AS doubled`,
      );
      expect(rows).toEqual([{ doubled: value * 2 }]);
    }
    const { rows } = await sql`
      SELECT name FROM pg_prepared_statements WHERE name = 'test_double'`.execute(transaction);
    expect(rows).toHaveLength(1);
  });
});
