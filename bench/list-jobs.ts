import pg from 'pg';

/** When the jobs of {@link loadJobs} begin; they are 8 s apart, a million of them three months long. */
export const FIRST_JOB = Date.parse('2026-08-01T00:00:00Z');
export const STEP_MS = 8000;

// a number below `most` for each row and purpose that goes with no other one
const draw = (purpose: number, most: number): string =>
  `((hashint8extended(g, ${purpose}) & 2147483647) % ${most})::int`;

const hours = (purpose: number): string => `interval '1 minute' * (1 + ${draw(purpose, 2880)})`;

/**
 * Jobs of the tenants 1 to 5, the first of which has nine of ten; of its own the newest tenth is queued. One
 * of 25 failed, one of 100 is kept, some states are rare. Texts: names that many share, a series of one job
 * in a hundred, an import that only the oldest 4 % know, a word of one in 100,000, a hash of one.
 */
const buildInsert = (count: number): string => `
  INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, failed, persist, run_at, parameters,
                    search_text, created_at, updated_at, started_at, ended_at)
  SELECT tenant, workflow, content, 1 + ${draw(1, 10)}, state, state = 2 AND ${draw(2, 25)} = 0, ${draw(3, 100)} = 0,
    CASE WHEN state = 5 OR ${draw(4, 20)} = 0 THEN at + ${hours(5)} END,
    format('{"content_id":"%s","source_folder":"incoming/%s","output_folder":"vod/%s","rest_endpoints":'
      '["https://cms.example.com/task-engine/%s"],"custom_data":{"title":"%s","asset":"%s"},"generate_mp4":true}',
      content, content, content, tenant, title, hash),
    concat_ws(E'\\n', content, 'incoming/' || content, 'vod/' || content,
      'https://cms.example.com/task-engine/' || tenant, title, hash, 'true', workflow,
      CASE WHEN ${draw(6, 100)} = 0 THEN 'season finale' END, CASE WHEN g < ${count} * 0.04 THEN 'legacyimport' END,
      CASE WHEN ${draw(7, 100_000)} = 7 THEN 'zebrafinch' END),
    at, at + CASE WHEN state IN (2, 4) THEN ${hours(8)} ELSE interval '1 second' END,
    CASE WHEN state IN (1, 2, 4) THEN at + ${hours(9)} / 10 END, CASE WHEN state IN (2, 4) THEN at + ${hours(8)} END
  FROM (
    SELECT g, to_timestamp(${FIRST_JOB / 1000}) + interval '${STEP_MS} ms' * g AS at, md5(g::text) AS hash,
      CASE WHEN ${draw(10, 10)} > 0 THEN 1 ELSE 2 + least(3, ${draw(11, 9)} / 2) END AS tenant,
      CASE WHEN ${draw(12, 3000)} = 0 THEN 4 WHEN ${draw(12, 3000)} = 1 THEN 6
           WHEN g < 1000 AND ${draw(12, 100)} = 2 THEN 3 WHEN ${draw(12, 500)} = 3 THEN 5
           WHEN g > ${count} * 0.99 AND ${draw(12, 200)} = 4 THEN 1 WHEN g > ${count} * 0.889 THEN 0 ELSE 2 END AS state,
      (ARRAY['vodstream', 'vodcapture', 'thumbnail', 'voddelete', 'asset_delete', 'drmswitch'])[1 + ${draw(13, 6)}] AS workflow,
      (ARRAY['movie', 'episode', 'clip', 'trailer'])[1 + ${draw(14, 4)}] || '-' || g AS content,
      (ARRAY['The long river', 'Northern lights', 'A quiet harbour', 'Seven bridges', 'Paper moons', 'Winter garden'])[1 + ${draw(15, 6)}] AS title
    FROM generate_series(1::bigint, ${count}) AS g
  ) AS drawn`;

/** Fills a migrated database without jobs: indexes are made anew once the rows are there. */
export async function loadJobs(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("SET maintenance_work_mem = '512MB'");
    await client.query(
      "INSERT INTO tenants (name) SELECT 'tenant-' || n FROM generate_series(2, 5) AS n",
    );
    const { rows } = await client.query<{ name: string; definition: string }>(`
      SELECT indexname AS name, indexdef AS definition FROM pg_indexes
      WHERE tablename IN ('jobs', 'job_search') AND indexname NOT LIKE '%_pkey'`);
    for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
    await client.query('ALTER TABLE jobs DISABLE TRIGGER USER');
    await client.query(buildInsert(count));
    await client.query(`
      INSERT INTO job_search SELECT id, tenant_id, lower(search_text) FROM jobs ORDER BY id`);
    for (const { definition } of rows) await client.query(definition);
    await client.query('ALTER TABLE jobs ENABLE TRIGGER USER');
    await client.query('VACUUM ANALYZE jobs');
    await client.query('VACUUM ANALYZE job_search');
  } finally {
    await client.end();
  }
}
