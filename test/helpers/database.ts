import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { closeDb, createDb, type Db } from '../../src/store/db.ts';
import { migrate } from '../../src/store/migrate.ts';

/** A database of its own for a test file. */
export interface TestDatabase {
  readonly url: string;
  readonly db: Db;
  readonly drop: () => Promise<void>;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${inject('services').postgresUrl}/postgres` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Makes an empty, migrated database; with `last`, migrated up to that step. */
export async function createTestDatabase(
  options: { readonly last?: string } = {},
): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(`CREATE DATABASE ${name}`);
  const url = `${inject('services').postgresUrl}/${name}`;
  const db = createDb({ url, poolSize: 10, applicationName: 'test', onError: () => undefined });
  await migrate(db, options);
  return {
    url,
    db,
    drop: async () => {
      await closeDb(db);
      await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
