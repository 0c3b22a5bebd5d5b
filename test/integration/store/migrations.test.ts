import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { closeDb, createDb, type Db } from '../../../src/store/db.ts';
import { migrate, pendingMigrations } from '../../../src/store/migrate.ts';
import { readMigrations } from '../../../src/store/migration-files.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { PREVIOUS_LAST_MIGRATION, PreviousVersion } from './previous-version.ts';

let database: TestDatabase;
let previous: PreviousVersion | undefined;

async function setUp(last?: string): Promise<PreviousVersion> {
  database = await createTestDatabase(last === undefined ? {} : { last });
  previous = new PreviousVersion(database.url);
  return previous;
}

afterEach(async () => {
  await previous?.close();
  previous = undefined;
  await database.drop();
});

/** As another process would: a pool of its own. */
async function migrateElsewhere(): Promise<readonly string[]> {
  const db = createDb({
    url: database.url,
    poolSize: 2,
    applicationName: 'migrate',
    onError: () => undefined,
  });
  try {
    return await migrate(db);
  } finally {
    await closeDb(db);
  }
}

const invalidIndexes = async (db: Db): Promise<readonly unknown[]> =>
  (await sql`SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid`.execute(db)).rows;

test('the version before submits, lists and ends jobs without a failure while the schema changes', async () => {
  const old = await setUp(PREVIOUS_LAST_MIGRATION);
  await old.query(`INSERT INTO tenants (name) VALUES ('a'), ('b'), ('c')`);
  // enough rows that an index takes a moment
  await old.query(`INSERT INTO jobs (tenant_id, workflow, content_id, queue_state, parameters, search_text, ended_at)
    SELECT 1 + n % 3, 'vodstream', 'c' || n, 2, '{}', 'c' || n || ' ' || md5(n::text), now()
    FROM generate_series(1, 30000) n`);
  let isMigrating = true;
  let served = 0;
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    const tenantId = 1 + (lane % 3);
    for (let at = 0; isMigrating || at < 5; at++) {
      const jobId = await old.submit(tenantId, `c${lane}-${at}`);
      expect(await old.list(tenantId)).toBe(10);
      await old.run(tenantId, jobId);
      served += 1;
    }
  });
  // what a lane throws is thrown here, the moment it fails
  const all = Promise.all(lanes);
  const applied = await Promise.race([migrateElsewhere(), all.then(() => [])]);
  isMigrating = false;
  await all;
  expect(applied.length).toBeGreaterThan(3);
  expect(await pendingMigrations(database.db)).toEqual([]);
  expect(await invalidIndexes(database.db)).toEqual([]);
  const [kept] = await old.query(`SELECT count(*)::int AS jobs FROM jobs`);
  expect(kept).toEqual({ jobs: 30_000 + served });
  const [lost] = await old.query(
    `SELECT count(*)::int AS jobs FROM jobs WHERE NOT EXISTS (SELECT FROM job_search WHERE job_id = jobs.id)`,
  );
  expect(lost).toEqual({ jobs: 0 });
});

test('a migration that cannot have a table at once lets the others through and tries again', async () => {
  const old = await setUp(PREVIOUS_LAST_MIGRATION);
  await old.query(`INSERT INTO tenants (name) VALUES ('a')`);
  const reader = createDb({
    url: database.url,
    poolSize: 1,
    applicationName: 'a long report',
    onError: () => undefined,
  });
  let release: () => void = () => undefined;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  const report = reader.transaction().execute(async (transaction) => {
    await sql`SELECT count(*) FROM jobs`.execute(transaction);
    await isReleased;
  });
  const migrating = migrateElsewhere();
  // for longer than one try: the statements of the version before have 3 s each
  for (let at = 0; at < 20; at++) {
    await old.submit(1, `c${at}`);
    await delay(100);
  }
  expect(await pendingMigrations(database.db)).not.toEqual([]);
  release();
  await report;
  await closeDb(reader);
  expect((await migrating).length).toBeGreaterThan(3);
});

test('a step-by-step migration that broke off is taken up again, an index that was left invalid is built anew', async () => {
  const old = await setUp(PREVIOUS_LAST_MIGRATION);
  await old.query(`ALTER TABLE jobs ADD COLUMN is_leaving boolean NOT NULL DEFAULT false`);
  await old.query(`CREATE INDEX jobs_slots ON jobs (tenant_id, priority)`);
  await old.query(
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'jobs_slots'::regclass`,
  );
  await migrateElsewhere();
  expect(await invalidIndexes(database.db)).toEqual([]);
  const [index] = await old.query(`SELECT pg_get_indexdef('jobs_slots'::regclass) AS text`);
  expect(index?.['text']).toContain('is_leaving');
});

test('a database that is ahead of this version is served as it is', async () => {
  const old = await setUp();
  await old.query(`INSERT INTO kysely_migration VALUES ('9999_of_a_later_version', 'now')`);
  expect(await pendingMigrations(database.db)).toEqual([]);
  expect(await migrateElsewhere()).toEqual([]);
});

test('no migration after the first version locks a table for as long as an index takes', async () => {
  await setUp();
  for (const { name, text } of await readMigrations()) {
    if (name <= PREVIOUS_LAST_MIGRATION) continue;
    const created = [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(
      (one) => one[1],
    );
    for (const [statement, how, table] of text.matchAll(
      /CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?[^;]*?\bON (\w+)/g,
    )) {
      const isFree = how !== undefined || created.includes(table);
      expect([name, statement, isFree]).toEqual([name, statement, true]);
    }
  }
});
