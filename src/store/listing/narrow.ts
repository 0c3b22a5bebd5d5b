import { type RawBuilder, sql } from 'kysely';
import {
  allOf,
  columnConditions,
  containsText,
  facetRows,
  inFacet,
  inFacets,
} from './conditions.ts';
import type { JobFilter } from './filter.ts';
import type { Run } from './order.ts';
import { merged } from './walk.ts';

/** A page of a walk: of all its jobs, or of those that `residual` lets pass. */
export const pageOfWalk = (
  filter: JobFilter,
  walk: RawBuilder<unknown>,
  residual: readonly RawBuilder<unknown>[],
) => sql`
  SELECT rank, key, id FROM (${walk}) AS walked WHERE ${allOf(residual)}
  ORDER BY ${merged(filter)} LIMIT ${filter.limit} OFFSET ${filter.offset ?? 0}`;

/** Run and key of a job of `facet`, as a walk gives them. */
function placeOf(runs: readonly Run[]): RawBuilder<unknown> {
  const isIn = (run: Run) => {
    const states = [...new Set(run.facets.map((facet) => facet.state))];
    return sql`facet.state = ANY (${states}::smallint[]) AND ${run.condition}`;
  };
  const ranks = runs.map((run, rank) => sql`WHEN ${isIn(run)} THEN ${sql.lit(rank)}`);
  const keys = runs.map((run) => sql`WHEN ${isIn(run)} THEN ${run.key}`);
  return sql`CASE ${sql.join(ranks, sql` `)} END AS rank, CASE ${sql.join(keys, sql` `)} END AS key`;
}

/** A page of the jobs that meet all of a filter, sorted, among those with `ids`, a comparison. */
export const pageOfIds = (filter: JobFilter, runs: readonly Run[], ids: RawBuilder<unknown>) => sql`
    SELECT ${placeOf(runs)}, jobs.id
    FROM jobs CROSS JOIN LATERAL (SELECT queue_state AS state, failed, persist) AS facet
    WHERE jobs.id ${ids} AND jobs.tenant_id = ${filter.tenantId}
      AND ${inFacets(filter)}
      AND ${allOf(columnConditions(filter))}
      AND ${filter.search === undefined ? sql`true` : containsText(sql`jobs.id`, filter.search)}
    ORDER BY ${merged(filter)} LIMIT ${filter.limit} OFFSET ${filter.offset ?? 0}`;

/** A page of the jobs of a filter's dates, sorted; the texts of the filter are not looked at. */
export const pageOfDates = (filter: JobFilter, runs: readonly Run[]) => {
  const heads = runs.map(
    (run, rank) => sql`
      SELECT ${sql.lit(rank)} AS rank, ${run.key} AS key, jobs.id
      FROM ${facetRows(run.facets)} CROSS JOIN jobs
      WHERE ${inFacet(filter.tenantId)} AND ${allOf([run.condition, ...columnConditions(filter)])}`,
  );
  return sql`
    SELECT rank, key, id FROM (${sql.join(heads, sql` UNION ALL `)}) AS heads
    ORDER BY ${merged(filter)} LIMIT ${filter.limit} OFFSET ${filter.offset ?? 0}`;
};
