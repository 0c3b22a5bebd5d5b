import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listJobs } from '../../../../src/store/job-list.ts';
import { migrate } from '../../../../src/store/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../../../helpers/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ last: '0005_tenants' });
  await sql`INSERT INTO tenants (name) VALUES ('one')`.execute(database.db);
});

afterAll(() => database.drop());

/** Stores jobs as the version before this one does: with the text as it was submitted. */
const store = (texts: readonly string[]) =>
  sql`INSERT INTO jobs (tenant_id, workflow, priority, queue_state, parameters, search_text)
      SELECT 1, 'vodstream', 5, 2, '{}', text FROM unnest(${texts}::text[]) AS given (text)`.execute(
    database.db,
  );

const count = async (search: string): Promise<number> =>
  (await listJobs(database.db, { tenantId: 1, limit: 1000, search })).length;

test('jobs from before the migration are found in any case of letters, those of the version before too', async () => {
  await store(['ÜBERSICHT One', 'plain']);
  await migrate(database.db);
  expect([await count('übersicht one'), await count('PLAIN'), await count('absent')]).toEqual([
    1, 1, 0,
  ]);
  await store(['Meanwhile One', 'Meanwhile Two']);
  expect([await count('meanwhile'), await count('ONE')]).toEqual([2, 2]);
});

test('the text of a job goes with it', async () => {
  await sql`DELETE FROM jobs WHERE search_text LIKE 'Meanwhile%'`.execute(database.db);
  const { rows } = await sql<{ text: string }>`
    SELECT search_text AS text FROM job_search ORDER BY job_id`.execute(database.db);
  expect(rows.map((row) => row.text)).toEqual(['übersicht one', 'plain']);
});

test('a content id may be longer than an entry of an index', async () => {
  const long = 'ä'.repeat(5000);
  await sql`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, search_text)
    VALUES (1, 'vodstream', ${long}, 5, 2, '{}', ${long})`.execute(database.db);
  const [job] = await listJobs(database.db, { tenantId: 1, limit: 1, orderBy: 'content_id' });
  expect(job?.contentId).toBe(long);
});
