import { readFile } from 'node:fs/promises';
import { sql } from 'kysely';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestEngine } from '../helpers/engine.ts';

const SUBMISSIONS = 10_000;
const AT_ONCE = 200;
/** What the api may grow by, MB: ten times what it needs, and far from one copy of each submission. */
const MOST_GROWTH_MB = 300;
const SAMPLE_MS = 100;

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  await engine.startApi();
});

afterAll(() => engine.stop());

async function residentMb(): Promise<number> {
  const status = await readFile(`/proc/${engine.api?.pid ?? 0}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** Submits one job; its id. Throws where it is not accepted. */
async function submit(pool: Pool, at: number): Promise<number> {
  const { statusCode, body } = await pool.request({
    path: '/job',
    method: 'POST',
    headers: {
      client: at % 2 === 0 ? 'acme' : 'other',
      'api-key': at % 2 === 0 ? 'acme-secret-1' : 'other-secret-1',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      job: { workflow: 'vodstream', priority: 1 + (at % 10) },
      parameters: {
        content_id: `c${at}`,
        source_folder: `in/${at}`,
        custom_data: { at, filler: 'x'.repeat(1000) },
      },
    }),
  });
  const answer = (await body.json()) as { readonly id?: number };
  if (statusCode !== 200 || answer.id === undefined) {
    throw new Error(`submission ${at}: ${statusCode} ${JSON.stringify(answer)}`);
  }
  return answer.id;
}

test('ten thousand submissions from 200 connections are all accepted, none lost, none made twice, in bounded memory', async () => {
  const pool = new Pool(engine.apiUrl, { connections: AT_ONCE });
  const before = await residentMb();
  let peak = before;
  const sampler = setInterval(() => {
    void residentMb().then((mb) => (peak = Math.max(peak, mb)));
  }, SAMPLE_MS);
  const ids = new Map<string, number>();
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < SUBMISSIONS) {
        const at = next++;
        ids.set(`c${at}`, await submit(pool, at));
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  clearInterval(sampler);
  await pool.close();
  process.stdout.write(
    `${SUBMISSIONS} submissions in ${seconds.toFixed(1)} s; the api grew from ${before.toFixed(0)} to ${peak.toFixed(0)} MB\n`,
  );

  const { rows } = await sql<{ id: number; content_id: string }>`
    SELECT id, content_id FROM jobs`.execute(engine.database.db);
  expect(rows).toHaveLength(SUBMISSIONS);
  expect(new Map(rows.map((row) => [row.content_id, row.id]))).toEqual(ids);
  expect(new Set(ids.values()).size).toBe(SUBMISSIONS);
  expect(peak - before).toBeLessThan(MOST_GROWTH_MB);
});

test('no client holds more slots than it has, and the first in line have them', async () => {
  const { rows } = await sql<{ name: string; started: number; overtaken: number }>`
    SELECT tenants.name, count(*) FILTER (WHERE queue_state = 1) AS started,
           count(*) FILTER (WHERE queue_state = 1 AND EXISTS (
             SELECT FROM jobs waiting WHERE waiting.tenant_id = tenants.id AND waiting.queue_state = 0
               AND waiting.created_at < jobs.started_at - interval '2 seconds'
               AND (waiting.priority, waiting.id) < (jobs.priority, jobs.id))) AS overtaken
    FROM jobs JOIN tenants ON tenants.id = tenant_id GROUP BY tenants.name ORDER BY name`.execute(
    engine.database.db,
  );
  expect(rows).toEqual([
    { name: 'acme', started: 2, overtaken: 0 },
    { name: 'other', started: 2, overtaken: 0 },
  ]);
});
