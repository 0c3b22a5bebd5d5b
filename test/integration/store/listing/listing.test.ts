import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JOB_ORDERS } from '../../../../src/domain/job-order.ts';
import {
  type JobFilter,
  listJobs,
  type ListingLimits,
  ListingTooSlowError,
} from '../../../../src/store/job-list.ts';
import { createTestDatabase, type TestDatabase } from '../../../helpers/database.ts';
import { createRandom, FIRST_MS, pick, storeRandomJobs } from './jobs.ts';
import { listNaively, type PlainJob } from './naive.ts';

const SEED = 20_301;
const JOBS = 400;

let database: TestDatabase;
let jobs: readonly PlainJob[];

beforeAll(async () => {
  database = await createTestDatabase();
  jobs = await storeRandomJobs(database.db, createRandom(SEED), JOBS);
});

afterAll(() => database.drop());

const INDEXED = [
  'winter',
  'GARDEN',
  '50%-off',
  'snake_case',
  String.raw`back\slash`,
  'movie-1',
  'bour\nwin',
  'nowhere',
];
const SHORT = ['e', '%', '_', '\\', "'", '日本', 'ÖSSE', '--', 'q', '\u0000'];

/** A random filter; `texts` are what it may search for. */
function drawFilter(random: () => number, texts: readonly string[]): JobFilter {
  const maybe = <Value>(share: number, value: Value): Value | undefined =>
    random() < share ? value : undefined;
  const moment = (): Date => new Date(FIRST_MS + Math.floor(random() * JOBS * 10) * 60_000);
  const id = (): number => pick(random, jobs).id;
  const orderBy = maybe(0.7, pick(random, JOB_ORDERS));
  return {
    tenantId: pick(random, [1, 1, 1, 2]),
    limit: pick(random, [1, 3, 10, 1000]),
    offset: maybe(0.3, Math.floor(random() * 30)),
    orderBy,
    isAscending: maybe(0.5, random() < 0.5),
    state: maybe(0.3, Math.floor(random() * 7)),
    isFailed: maybe(0.2, random() < 0.5),
    isPersistent: maybe(0.2, random() < 0.5),
    from: maybe(0.25, moment()),
    to: maybe(0.25, moment()),
    beforeId: maybe(0.1, id()),
    afterId: maybe(0.1, id()),
    search: maybe(0.4, pick(random, texts)),
    jobIds: maybe(0.1, [id(), id(), id(), 1, 424_242]),
  };
}

async function compare(
  seed: number,
  texts: readonly string[],
  limits: Partial<ListingLimits> = {},
): Promise<void> {
  const random = createRandom(seed);
  for (let at = 0; at < 400; at++) {
    const filter = drawFilter(random, texts);
    const listed = await listJobs(database.db, filter, limits);
    expect(
      { filter, jobs: listed.map(({ id, state, position }) => ({ id, state, position })) },
      `seed ${seed}, filter ${at}`,
    ).toEqual({ filter, jobs: listNaively(jobs, filter) });
  }
}

test('any filter in any order lists what a look at every job would', async () => {
  await compare(1, [...INDEXED, ...SHORT]);
});

test('the same where the first jobs looked at decide nothing and all that is found is sorted', async () => {
  await compare(2, INDEXED, { glance: 2, again: 4, scan: 1000, sorted: 1000, walked: 1000 });
});

test('the same where more is found than can be sorted and few jobs are left by state', async () => {
  await compare(3, INDEXED, { glance: 2, again: 4, scan: 1000, sorted: 2, walked: 1000 });
});

test('the same where the text is looked for span by span, or sorted as a whole', async () => {
  await compare(4, INDEXED, { glance: 2, again: 4, scan: 1000, sorted: 2, walked: 0 });
});

test('a text that no index can look for is looked for in the first jobs by id only', async () => {
  const newest = await listJobs(database.db, { tenantId: 1, limit: 5 });
  const found = await listJobs(
    database.db,
    { tenantId: 1, limit: 1000, search: 'e' },
    { glance: 2, again: 4, scan: 5, sorted: 2, walked: 0 },
  );
  const holding = new Set(
    listNaively(jobs, { tenantId: 1, limit: 1000, search: 'e' }).map((one) => one.id),
  );
  expect(found.map((job) => job.id)).toEqual(
    newest.map((job) => job.id).filter((id) => holding.has(id)),
  );
});

test('what would be sorted for too long is given up, and the error says what can be done', async () => {
  const { db } = database;
  // every look at a text takes 20 ms; the looks before the sorting are at a few jobs only
  await sql`ALTER TABLE job_search RENAME TO job_search_rows`.execute(db);
  await sql`
    CREATE VIEW job_search AS
    SELECT job_id, tenant_id, search_text || (SELECT pg_sleep(0.02)::text WHERE job_id > 0) AS search_text
    FROM job_search_rows`.execute(db);
  try {
    const slow = listJobs(
      db,
      { tenantId: 1, limit: 10, orderBy: 'content_id', search: 'winter' },
      { glance: 2, again: 4, sorted: 2, longestMs: 200 },
    );
    await expect(slow).rejects.toThrow(ListingTooSlowError);
    await expect(slow).rejects.toThrow(/narrow them by dates or a longer text, or order by id$/);
  } finally {
    await sql`DROP VIEW job_search`.execute(db);
    await sql`ALTER TABLE job_search_rows RENAME TO job_search`.execute(db);
  }
});
