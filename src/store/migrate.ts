import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import type { Db } from './db.ts';

const FOLDER = join(import.meta.dirname, 'migrations');

async function getMigrations(): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {};
  for (const file of (await readdir(FOLDER)).filter((name) => name.endsWith('.sql'))) {
    const text = await readFile(join(FOLDER, file), 'utf8');
    migrations[file.replace(/\.sql$/, '')] = {
      up: async (db) => {
        await sql.raw(text).execute(db);
      },
    };
  }
  return migrations;
}

const migrator = (db: Db): Migrator => new Migrator({ db, provider: { getMigrations } });

/**
 * Brings the schema up to date. Any number of processes may call it at once: one works, the others
 * wait for it and find nothing left to do. Returns the names of what this call applied.
 */
export async function migrate(db: Db): Promise<readonly string[]> {
  const { error, results } = await migrator(db).migrateToLatest();
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName;
    throw new Error(
      `The database schema could not be brought up to date: ${failed ?? 'unknown step'}`,
      {
        cause: error,
      },
    );
  }
  return (results ?? []).map((result) => result.migrationName);
}

/** The migrations that this version knows and the database lacks. */
export async function pendingMigrations(db: Db): Promise<readonly string[]> {
  const known = await migrator(db).getMigrations();
  return known.filter((one) => one.executedAt === undefined).map((one) => one.name);
}
