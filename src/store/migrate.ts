import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from './db.ts';
import { type Migration, readMigrations } from './migration-files.ts';
import { splitStatements } from './split-sql.ts';

/** Two keys of the advisory lock under which one process at a time migrates. */
const LOCK = sql.raw('816, 1');
const LOCK_PAUSE_MS = 200;

/**
 * How long a statement waits for a table. While it waits, everybody behind it waits too; and it gives
 * up before Postgres looks for deadlocks (1 s), so that of two the migration is the one that loses.
 */
const LOCK_TIMEOUT_MS = 500;
/** Tries of a statement that did not get its table, half a second apart. */
const LOCK_TRIES = 60;

/** The schema is not what this version needs, and was not brought there. The message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Brings the schema up to date and returns the names of what this call applied. Any number of
 * processes may call it at once: one works, the others wait for it. Migrations that the database has and
 * this version does not know are left alone: the version before one that is being rolled out goes on.
 * Nothing is written, no right to change tables is needed, where nothing is pending. `last` is the
 * migration to stop after, for tests.
 */
export async function migrate(
  db: Db,
  options: { readonly last?: string } = {},
): Promise<readonly string[]> {
  const isWanted = (name: string): boolean => options.last === undefined || name <= options.last;
  if (!(await pendingMigrations(db)).some(isWanted)) return [];
  return db.connection().execute(async (connection) => {
    await sql`SET statement_timeout = 0`.execute(connection);
    await sql`SET lock_timeout = ${sql.raw(String(LOCK_TIMEOUT_MS))}`.execute(connection);
    await takeLock(connection);
    try {
      const pending = await pendingMigrations(connection);
      const applied: string[] = [];
      for (const migration of await readMigrations()) {
        if (!pending.includes(migration.name) || !isWanted(migration.name)) continue;
        await apply(connection, migration);
        applied.push(migration.name);
      }
      return applied;
    } finally {
      await sql`SELECT pg_advisory_unlock(${LOCK})`.execute(connection);
      await sql`RESET statement_timeout`.execute(connection);
      await sql`RESET lock_timeout`.execute(connection);
    }
  });
}

/** The migrations that this version knows and the database lacks, in their order. */
export async function pendingMigrations(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ is_there: boolean }>`
    SELECT to_regclass('kysely_migration') IS NOT NULL AS is_there`.execute(db);
  const applied = new Set<string>();
  if (rows[0]?.is_there === true) {
    const known = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db);
    for (const { name } of known.rows) applied.add(name);
  }
  return (await readMigrations()).map((one) => one.name).filter((name) => !applied.has(name));
}

/** Asked for again and again: a statement that waits would hold up an index that is built without locks. */
async function takeLock(connection: Db): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ is_taken: boolean }>`
      SELECT pg_try_advisory_lock(${LOCK}) AS is_taken`.execute(connection);
    if (rows[0]?.is_taken === true) return;
    await delay(LOCK_PAUSE_MS);
  }
}

async function apply(connection: Db, migration: Migration): Promise<void> {
  const { name, text } = migration;
  try {
    await sql`CREATE TABLE IF NOT EXISTS kysely_migration (
      name varchar(255) PRIMARY KEY, timestamp varchar(255) NOT NULL)`.execute(connection);
    if (migration.isStepwise) {
      for (const statement of splitStatements(text)) await runStep(connection, statement);
      await record(connection, name);
    } else {
      await withTries(async () => {
        await connection.transaction().execute(async (transaction) => {
          await sql.raw(text).execute(transaction);
          await record(transaction, name);
        });
      });
    }
  } catch (error) {
    throw new MigrationError(describe(name, error), { cause: error });
  }
}

async function record(db: Db, name: string): Promise<void> {
  await sql`INSERT INTO kysely_migration (name, timestamp)
            VALUES (${name}, ${new Date().toISOString()})`.execute(db);
}

/** One statement by itself. An index whose concurrent build broke off is there, but not valid. */
async function runStep(connection: Db, statement: string): Promise<void> {
  const index = /CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)/.exec(statement)?.[1];
  if (index === undefined) {
    await withTries(() => sql.raw(statement).execute(connection));
    return;
  }
  const { rows } = await sql`
    SELECT 1 AS one FROM pg_index WHERE indexrelid = to_regclass(${index}) AND NOT indisvalid`.execute(
    connection,
  );
  // nobody waits behind these two, so they wait for as long as it takes
  await sql`SET lock_timeout = 0`.execute(connection);
  if (rows.length > 0) await sql`DROP INDEX CONCURRENTLY ${sql.ref(index)}`.execute(connection);
  await sql.raw(statement).execute(connection);
  await sql`SET lock_timeout = ${sql.raw(String(LOCK_TIMEOUT_MS))}`.execute(connection);
}

async function withTries(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      if (codeOf(error) !== LOCK_NOT_AVAILABLE || tries >= LOCK_TRIES) throw error;
      await delay(LOCK_TIMEOUT_MS);
    }
  }
}

const LOCK_NOT_AVAILABLE = '55P03';
const INSUFFICIENT_PRIVILEGE = '42501';

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

function describe(name: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) return `migration ${name} failed: ${reason}`;
  return (
    `migration ${name} is pending and this database role may not apply it (${reason}): ` +
    'run "npm run migrate" with a DATABASE_URL whose role owns the tables'
  );
}
