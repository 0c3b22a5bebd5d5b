import { type RawBuilder, sql } from 'kysely';
import { foldText } from '../../domain/fold-text.ts';
import { JOB_STATES } from '../../domain/job-state.ts';
import { withoutNul } from '../logs.ts';
import type { Facet, JobFilter } from './filter.ts';

const BOTH = [false, true];

/** The combinations of state, failure and `persist` that a filter allows, 28 at most. */
export function facetsOf(filter: JobFilter): readonly Facet[] {
  const states = filter.state === undefined ? Object.values(JOB_STATES) : [filter.state];
  const failures = filter.isFailed === undefined ? BOTH : [filter.isFailed];
  const persists = filter.isPersistent === undefined ? BOTH : [filter.isPersistent];
  return states.flatMap((state) =>
    failures.flatMap((isFailed) =>
      persists.map((isPersistent) => ({ state, isFailed, isPersistent })),
    ),
  );
}

/** Facets as rows `facet (state, failed, persist)`. */
export const facetRows = (facets: readonly Facet[]) => sql`
  unnest(${facets.map((one) => one.state)}::smallint[], ${facets.map((one) => one.isFailed)}::boolean[],
         ${facets.map((one) => one.isPersistent)}::boolean[]) AS facet (state, failed, persist)`;

/** A job of the tenant in the facet at hand: the beginning of every index of listings. */
export const inFacet = (tenantId: number) => sql`
  jobs.tenant_id = ${tenantId} AND jobs.queue_state = facet.state AND jobs.failed = facet.failed
  AND jobs.persist = facet.persist`;

/** A job in one of a filter's facets. */
export const inFacets = (filter: JobFilter): RawBuilder<unknown> =>
  allOf([
    ...(filter.state === undefined ? [] : [sql`jobs.queue_state = ${filter.state}`]),
    ...(filter.isFailed === undefined ? [] : [sql`jobs.failed = ${filter.isFailed}`]),
    ...(filter.isPersistent === undefined ? [] : [sql`jobs.persist = ${filter.isPersistent}`]),
  ]);

/** The text to look for as `job_search` keeps it. */
export const searchedText = (text: string): string => withoutNul(foldText(text));

/** A pattern for LIKE that finds the text anywhere; its wildcards stand for themselves. */
export const likePattern = (text: string): string =>
  `%${searchedText(text).replaceAll(/[\\%_]/g, '\\$&')}%`;

/** All of some conditions. */
export const allOf = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` AND `);

/** Conditions on the id. */
export const idConditions = (filter: JobFilter): readonly RawBuilder<unknown>[] => [
  ...(filter.beforeId === undefined ? [] : [sql`jobs.id < ${filter.beforeId}`]),
  ...(filter.afterId === undefined ? [] : [sql`jobs.id > ${filter.afterId}`]),
];

/** Conditions on the date of creation. */
export const dateConditions = (filter: JobFilter): readonly RawBuilder<unknown>[] => [
  ...(filter.from === undefined ? [] : [sql`jobs.created_at >= ${filter.from}::timestamptz`]),
  ...(filter.to === undefined ? [] : [sql`jobs.created_at < ${filter.to}::timestamptz`]),
];

/** Conditions on the columns of `jobs` other than the tenant and the facet. */
export const columnConditions = (filter: JobFilter): readonly RawBuilder<unknown>[] => [
  ...idConditions(filter),
  ...dateConditions(filter),
];

/** Whether a job's text contains another. An expression, not a join: looked at until the page is full. */
export const containsText = (id: RawBuilder<unknown>, search: string) => sql`
  coalesce((SELECT search_text LIKE ${likePattern(search)} FROM job_search WHERE job_id = ${id}), false)`;

/** Whether a job meets all of a filter but its text, in the same form. */
export const meets = (id: RawBuilder<unknown>, filter: JobFilter) => sql`
  coalesce((SELECT ${allOf([inFacets(filter), ...columnConditions(filter)])} FROM jobs WHERE jobs.id = ${id}), false)`;
