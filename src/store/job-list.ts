import type { Db } from './db.ts';
import { findCreated } from './listing/dates.ts';
import type { JobFilter } from './listing/filter.ts';
import type { ListedJob } from './listing/page.ts';
import { findSearched, findSearchedById, isIndexed } from './listing/search.ts';
import { leavesAtMost } from './listing/walk.ts';
import { type Ways, waysOf } from './listing/ways.ts';

export type { JobFilter } from './listing/filter.ts';
export type { ListedJob } from './listing/page.ts';
export { ListingTooSlowError } from './listing/ways.ts';

/** How many jobs each way of listing looks at before it leaves the listing to another. */
export interface ListingLimits {
  /** Jobs looked at in their order at first. */
  readonly glance: number;
  /** The same for a text that many jobs hold, in another order than by id. */
  readonly again: number;
  /** The same by id for a text that no index can look for: there is no other way. */
  readonly scan: number;
  /** Jobs found in any order and sorted. */
  readonly sorted: number;
  /** Jobs looked at one by one where state, failure and `persist` leave no more of them. */
  readonly walked: number;
  /** How long the sorting of all that is found may take, milliseconds. */
  readonly longestMs: number;
}

const LIMITS: ListingLimits = {
  glance: 1000,
  again: 8000,
  scan: 5000,
  sorted: 3000,
  walked: 40_000,
  longestMs: 5000,
};

/**
 * A tenant's jobs without their parameters: a thousand jobs may hold 2 MiB each.
 *
 * The order's index is read until the page is full, where every other filter bounds that too. A text, and
 * dates in another order than by id or `created_at`, do not: then the first jobs are looked at one by one,
 * and where these do not fill the page, the jobs that the text or the dates find are sorted.
 */
export async function listJobs(
  db: Db,
  filter: JobFilter,
  given: Partial<ListingLimits> = {},
): Promise<readonly ListedJob[]> {
  const limits = { ...LIMITS, ...given };
  const ways = waysOf(db, filter, limits.longestMs);
  if (filter.jobIds !== undefined) return ways.among(filter.jobIds);
  const last = filter.limit + (filter.offset ?? 0);
  if (ways.isExact) return ways.look(last);
  const glance = await ways.look(limits.glance);
  if (glance.length === filter.limit) return glance;
  const { search } = filter;
  if (search === undefined) return ways.sortDates();
  if (await isIndexed(db, search)) return listSearched(db, { ...filter, search }, ways, limits);
  if (filter.from !== undefined || filter.to !== undefined) {
    const found = await findCreated(db, filter, limits.sorted + 1);
    if (found.length <= limits.sorted) return ways.among(found);
  }
  return ways.isById ? ways.look(limits.scan) : glance;
}

/** A listing with a text that the index can look for, and that the first jobs do not hold. */
async function listSearched(
  db: Db,
  filter: JobFilter & { readonly search: string },
  ways: Ways,
  limits: ListingLimits,
): Promise<readonly ListedJob[]> {
  const found = await findSearched(db, filter.tenantId, filter.search, limits.sorted + 1);
  if (found.length <= limits.sorted) return ways.among(found);
  if (await leavesAtMost(db, filter, limits.walked)) return ways.look(limits.walked);
  const order = filter.orderBy ?? 'id';
  if (order === 'id' || order === 'client') {
    const first = await findSearchedById(db, filter, filter.limit + (filter.offset ?? 0));
    return ways.among(first);
  }
  const page = await ways.look(limits.again);
  return page.length === filter.limit ? page : ways.sortSearched(filter.search);
}
