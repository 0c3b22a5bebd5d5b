import { sql } from 'kysely';
import { type Db, inTransaction } from './db.ts';
import { columnConditions, containsText, facetsOf, meets } from './listing/conditions.ts';
import { findCreated, boundsById } from './listing/dates.ts';
import type { JobFilter } from './listing/filter.ts';
import { pageOfDates, pageOfIds, pageOfWalk } from './listing/narrow.ts';
import { runsOf } from './listing/order.ts';
import { fetchPage, type ListedJob } from './listing/page.ts';
import { findSearched, findSearchedById, inSearched, isIndexed } from './listing/search.ts';
import { buildWalk, leavesAtMost } from './listing/walk.ts';

export type { JobFilter } from './listing/filter.ts';
export type { ListedJob } from './listing/page.ts';

/** How many jobs each way of listing looks at before it leaves the listing to another. */
export interface ListingLimits {
  /** Jobs looked at in their order at first. */
  readonly glance: number;
  /** The same by id for a text that no index can look for: there is no other way. */
  readonly scan: number;
  /** Jobs found in any order and sorted. */
  readonly sorted: number;
  /** Jobs looked at one by one where state, failure and `persist` leave no more of them. */
  readonly walked: number;
}

const LIMITS: ListingLimits = { glance: 1000, scan: 5000, sorted: 3000, walked: 40_000 };

/** How long a listing may take that neither its order nor a filter makes short, milliseconds. */
const LONGEST_MS = 5000;

/** A listing that was given up after 5 s; the message says what can be done. */
export class ListingTooSlowError extends Error {
  override readonly name = 'ListingTooSlowError';
}

/**
 * A tenant's jobs without their parameters: a thousand jobs may hold 2 MiB each.
 *
 * Three ways, the first that is sure to be complete: the order's index, read until the page is full, where
 * every other filter bounds it too; the same with a filter that is looked at job by job, over the first jobs;
 * all jobs that the text or the dates find, sorted.
 */
export async function listJobs(
  db: Db,
  filter: JobFilter,
  limits: ListingLimits = LIMITS,
): Promise<readonly ListedJob[]> {
  const order = filter.orderBy ?? 'id';
  const runs = runsOf(order, filter.tenantId, facetsOf(filter));
  const among = (ids: readonly number[]) =>
    fetchPage(db, filter, pageOfIds(filter, runs, sql`= ANY (${ids}::bigint[])`));
  if (filter.jobIds !== undefined) return among(filter.jobIds);

  const isById = runs.every((run) => run.sorted === undefined);
  const bounds = columnConditions(filter);
  const isBounded = bounds.length === 0 || isById || order === 'created_at';
  const walk = (most: number) =>
    buildWalk(filter, runs, most, isById ? boundsById(filter) : isBounded ? bounds : []);
  const last = filter.limit + (filter.offset ?? 0);
  const { search } = filter;
  if (isBounded && search === undefined)
    return fetchPage(db, filter, pageOfWalk(filter, walk(last), []));

  const id = sql`walked.id`;
  const residual = [
    ...(isBounded ? [] : [meets(id, filter)]),
    ...(search === undefined ? [] : [containsText(id, search)]),
  ];
  const look = (most: number) => fetchPage(db, filter, pageOfWalk(filter, walk(most), residual));
  const glance = await look(limits.glance);
  if (glance.length === filter.limit) return glance;

  if (search === undefined)
    return withinTime(db, (timed) => fetchPage(timed, filter, pageOfDates(filter, runs)));
  if (await isIndexed(db, search)) {
    const found = await findSearched(db, filter.tenantId, search, limits.sorted + 1);
    if (found.length <= limits.sorted) return among(found);
    if (await leavesAtMost(db, filter, limits.walked)) return look(limits.walked);
    if (order === 'id' || order === 'client') {
      return among(await findSearchedById(db, { ...filter, search }, last));
    }
    return withinTime(db, (timed) =>
      fetchPage(timed, filter, pageOfIds(filter, runs, inSearched(filter.tenantId, search))),
    );
  }
  if (bounds.length > 0) {
    const found = await findCreated(db, filter, limits.sorted + 1);
    if (found.length <= limits.sorted) return among(found);
  }
  return isById ? look(limits.scan) : glance;
}

/** Runs a statement that Postgres ends after {@link LONGEST_MS}. */
async function withinTime<Result>(db: Db, work: (timed: Db) => Promise<Result>): Promise<Result> {
  try {
    return await inTransaction(db, async (transaction) => {
      await sql`SELECT set_config('statement_timeout', ${String(LONGEST_MS)}, true)`.execute(
        transaction,
      );
      return work(transaction);
    });
  } catch (error) {
    if (!isTimeout(error)) throw error;
    throw new ListingTooSlowError(
      'more jobs meet the filters than can be sorted so; narrow them by dates or a longer text, or order by id',
      { cause: error },
    );
  }
}

/** Postgres' code for a statement that took longer than it may (`query_canceled`). */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '57014';
