import { sql } from 'kysely';
import { type Db, inTransaction } from '../db.ts';
import { columnConditions, containsText, facetsOf, meets } from './conditions.ts';
import { boundsById } from './dates.ts';
import type { JobFilter } from './filter.ts';
import { pageOfDates, pageOfIds, pageOfWalk } from './narrow.ts';
import { runsOf } from './order.ts';
import { fetchPage, type ListedJob } from './page.ts';
import { inSearched } from './search.ts';
import { buildWalk } from './walk.ts';

type Page = Promise<readonly ListedJob[]>;

/** The ways in which a listing's page can be found. */
export interface Ways {
  /** Within a facet the order is that of ids. */
  readonly isById: boolean;
  /** Every job that a walk reads belongs to the listing. */
  readonly isExact: boolean;
  /** The page out of the first `most` jobs in order; complete where it is full, or no more jobs are left. */
  readonly look: (most: number) => Page;
  /** The page out of the jobs among `ids`, sorted. */
  readonly among: (ids: readonly number[]) => Page;
  /** The page out of all jobs of the filter's dates, sorted. Throws a {@link ListingTooSlowError}. */
  readonly sortDates: () => Page;
  /** The page out of all jobs that hold a text, sorted. Throws a {@link ListingTooSlowError}. */
  readonly sortSearched: (search: string) => Page;
}

/** The ways to a filter's page. Those that sort all they find are given up after `longestMs`. */
export function waysOf(db: Db, filter: JobFilter, longestMs: number): Ways {
  const order = filter.orderBy ?? 'id';
  const runs = runsOf(order, filter.tenantId, facetsOf(filter));
  const isById = runs.every((run) => run.sorted === undefined);
  const bounds = columnConditions(filter);
  const isBounded = bounds.length === 0 || isById || order === 'created_at';
  const conditions = isById ? boundsById(filter) : bounds;
  const id = sql`walked.id`;
  const residual = [
    ...(isBounded ? [] : [meets(id, filter)]),
    ...(filter.search === undefined ? [] : [containsText(id, filter.search)]),
  ];
  return {
    isById,
    isExact: residual.length === 0,
    look: (most) => {
      const walk = buildWalk(filter, runs, most, isBounded ? conditions : []);
      return fetchPage(db, filter, pageOfWalk(filter, walk, residual));
    },
    among: (ids) => fetchPage(db, filter, pageOfIds(filter, runs, sql`= ANY (${ids}::bigint[])`)),
    sortDates: () =>
      withinTime(db, longestMs, (timed) => fetchPage(timed, filter, pageOfDates(filter, runs))),
    sortSearched: (search) => {
      const page = pageOfIds(filter, runs, inSearched(filter.tenantId, search));
      return withinTime(db, longestMs, (timed) => fetchPage(timed, filter, page));
    },
  };
}

/** A listing that took too long and was given up; the message says what can be done. */
export class ListingTooSlowError extends Error {
  override readonly name = 'ListingTooSlowError';
}

/** Postgres' code for a statement that took longer than it may (`query_canceled`). */
const isTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '57014';

/** Runs a statement that Postgres ends after `longestMs`. */
async function withinTime<Result>(
  db: Db,
  longestMs: number,
  work: (timed: Db) => Promise<Result>,
): Promise<Result> {
  try {
    return await inTransaction(db, async (transaction) => {
      const limit = sql`SELECT set_config('statement_timeout', ${String(longestMs)}, true)`;
      await limit.execute(transaction);
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
