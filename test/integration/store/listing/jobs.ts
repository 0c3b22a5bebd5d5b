import { sql } from 'kysely';
import type { Db } from '../../../../src/store/db.ts';
import type { PlainJob } from './naive.ts';

/** A seeded source of numbers from 0 to 1 (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <Item>(random: () => number, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item;

const WORDS = [
  'Winter',
  'garden',
  '50%-off',
  'snake_case',
  String.raw`back\slash`,
  'Größe',
  'harbour',
  "o'clock",
  '日本語',
  'e',
];

const MINUTE_MS = 60_000;
export const FIRST_MS = Date.parse('2030-01-01T00:00:00Z');

/** Random jobs of tenants 1 and 2, ten minutes apart; ids and times of creation not quite in step. */
function drawJob(random: () => number, at: number): Omit<PlainJob, 'id'> {
  const maybe = <Value>(share: number, value: Value): Value | null =>
    random() < share ? value : null;
  const time = (minutes: number): string =>
    new Date(FIRST_MS + (at * 10 + minutes) * MINUTE_MS).toISOString();
  const content = pick(random, ['movie-1', 'movie-10', 'Movie-2', 'ärger', '', 'x'.repeat(300)]);
  const words = Array.from({ length: 4 }, () => pick(random, WORDS));
  return {
    tenant_id: random() < 0.8 ? 1 : 2,
    workflow: pick(random, ['vodstream', 'vodcapture', 'drmswitch', 'Zeta']),
    content_id: maybe(0.9, content),
    priority: 1 + Math.floor(random() * 10),
    queue_state: pick(random, [0, 0, 0, 1, 2, 2, 2, 2, 3, 4, 5, 6]),
    failed: random() < 0.2,
    persist: random() < 0.1,
    run_at: maybe(0.3, time(Math.floor(random() * 5) * 60)),
    created_at: time(Math.floor(random() * 50) - 25),
    updated_at: time(Math.floor(random() * 3000)),
    started_at: maybe(0.6, time(Math.floor(random() * 100))),
    ended_at: maybe(0.5, time(Math.floor(random() * 4000))),
    search_text: [content, ...words].join('\n'),
  };
}

/** Stores `count` random jobs and returns them with their ids, which cover several spans of the index. */
export async function storeRandomJobs(
  db: Db,
  random: () => number,
  count: number,
): Promise<readonly PlainJob[]> {
  await sql`INSERT INTO tenants (name) VALUES ('one'), ('two')`.execute(db);
  await sql`ALTER SEQUENCE jobs_id_seq INCREMENT BY 997`.execute(db);
  const drawn = Array.from({ length: count }, (_, at) => drawJob(random, at));
  const { rows } = await sql<{ id: number }>`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, failed, persist, run_at,
                      created_at, updated_at, started_at, ended_at, search_text, parameters)
    SELECT tenant_id, workflow, content_id, priority, queue_state, failed, persist, run_at,
           created_at, updated_at, started_at, ended_at, lower(search_text COLLATE "pg_c_utf8"), '{}'
    FROM json_to_recordset(${JSON.stringify(drawn)}::json) AS job (
      tenant_id int, workflow text, content_id text, priority smallint, queue_state smallint, failed boolean,
      persist boolean, run_at timestamptz, created_at timestamptz, updated_at timestamptz,
      started_at timestamptz, ended_at timestamptz, search_text text)
    RETURNING id`.execute(db);
  return drawn.map((job, at) => ({ ...job, id: rows[at]?.id ?? 0 }));
}
