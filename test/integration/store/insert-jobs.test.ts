import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertJobs, type NewJob } from '../../../src/store/jobs.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addTenant } from '../../helpers/tenant.ts';

let database: TestDatabase;
let tenantIds: readonly number[];

beforeAll(async () => {
  database = await createTestDatabase();
  const made = ['a', 'b'].map((name) => addTenant(database.db, name));
  tenantIds = await Promise.all(made);
});

afterAll(() => database.drop());

const newJob = (at: number): NewJob => ({
  tenantId: tenantIds[at % 2] ?? 0,
  workflow: 'vodstream',
  contentId: `c${at}`,
  priority: 1 + (at % 10),
  state: 'queued',
  parameters: `{"at":${at},"text":"{\\"quoted\\\\\\",NULL}"}`,
  customData: at % 3 === 0 ? null : `{"at":${at}}`,
  runAt: null,
  semaphoreUrl: null,
  isPersistent: at % 5 === 0,
  searchText: `c${at}`,
  callbackUrls: Array.from({ length: at % 3 }, (_, url) => ({
    url: `http://host${url}.example/${at}`,
    origin: `http://host${url}.example`,
  })),
  notes: [
    { severity: 'INFO', message: `first of ${at}` },
    { severity: 'WARN', message: `second of ${at}` },
  ],
});

test('jobs inserted together keep what belongs to each, with ids in the order given', async () => {
  const jobs = Array.from({ length: 50 }, (_, at) => newJob(at));
  // at once, as two statements of an api and those of another one are
  const [ids] = await Promise.all([
    insertJobs(database.db, jobs),
    insertJobs(database.db, jobs.slice(0, 10).reverse()),
  ]);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  for (const [at, job] of jobs.entries()) {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT tenant_id AS "tenantId", content_id AS "contentId", priority, parameters,
             custom_data AS "customData", persist AS "isPersistent",
             ARRAY(SELECT url || ' ' || origin || ' ' || endpoints.tenant_id FROM streams
                   JOIN endpoints ON endpoints.id = endpoint_id WHERE job_id = jobs.id ORDER BY url) AS urls,
             ARRAY(SELECT severity || ' ' || message FROM logs WHERE job_id = jobs.id ORDER BY id) AS notes
      FROM jobs WHERE id = ${ids[at] ?? 0}`.execute(database.db);
    expect(rows[0]).toEqual({
      tenantId: job.tenantId,
      contentId: job.contentId,
      priority: job.priority,
      parameters: job.parameters,
      customData: job.customData,
      isPersistent: job.isPersistent,
      urls: job.callbackUrls.map(({ url, origin }) => `${url} ${origin} ${job.tenantId}`),
      notes: [`1 first of ${at}`, `2 second of ${at}`],
    });
  }
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM endpoints`.execute(
    database.db,
  );
  expect(rows[0]?.count).toBe(4);
});
