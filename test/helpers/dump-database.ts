import { sql } from 'kysely';
import type { Db } from '../../src/store/db.ts';

/** Everything that is in a database, as text, to look for what must not be there. */
export async function dumpDatabase(db: Db): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`.execute(db);
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql<{ text: string }>`
        SELECT t::text AS text FROM ${sql.table(name)} AS t`.execute(db);
      return rows.map((row) => row.text).join('\n');
    }),
  );
  return texts.join('\n');
}
