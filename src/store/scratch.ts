import { sql } from 'kysely';
import { type Db, inTransaction } from './db.ts';

/** Of these jobs the ones that exist and have not ended: their scratch files are in use. */
export async function listUnendedJobs(
  db: Db,
  jobIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM jobs WHERE id = ANY (${[...jobIds]}::bigint[]) AND ended_at IS NULL`.execute(db);
  return new Set(rows.map((row) => row.id));
}

/**
 * Runs work alone among all processes of the engine; a process that dies lets the next one in. Throws
 * where another has worked for longer than 30 s, whatever hangs there.
 */
export function withScratchLock(db: Db, work: () => Promise<void>): Promise<void> {
  return inTransaction(db, async (transaction) => {
    await sql`SELECT set_config('lock_timeout', '30s', true)`.execute(transaction);
    await sql`SELECT pg_advisory_xact_lock(hashtextextended('scratch', 0))`.execute(transaction);
    await work();
  });
}
