import { readConfig } from '../src/config/config.ts';
import { closeDb, createDb } from '../src/store/db.ts';
import { migrate, MigrationError, pendingMigrations } from '../src/store/migrate.ts';

// Brings the schema of DATABASE_URL up to date: `npm run migrate`. With --pending it only says what is
// missing, and ends with 1 where something is.

const { databaseUrl } = readConfig();
const say = (text: string): void => void process.stdout.write(`${text}\n`);
if (databaseUrl === undefined) {
  process.stderr.write('DATABASE_URL is not set: it says which database to bring up to date\n');
  process.exit(2);
}
const db = createDb({
  url: databaseUrl,
  poolSize: 2,
  applicationName: 'task-engine-migrate',
  onError: () => undefined,
});
try {
  if (process.argv.includes('--pending')) {
    const pending = await pendingMigrations(db);
    say(pending.length === 0 ? 'nothing is pending' : `pending: ${pending.join(', ')}`);
    process.exitCode = pending.length === 0 ? 0 : 1;
  } else {
    const applied = await migrate(db);
    say(applied.length === 0 ? 'the schema is up to date' : `applied: ${applied.join(', ')}`);
  }
} catch (error) {
  const isKnown = error instanceof MigrationError;
  process.stderr.write(`${isKnown ? error.message : `no migration: ${String(error)}`}\n`);
  process.exitCode = 1;
} finally {
  await closeDb(db);
}
