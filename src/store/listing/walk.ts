import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db.ts';
import { allOf, facetRows, facetsOf, inFacet } from './conditions.ts';
import type { JobFilter } from './filter.ts';
import type { Run } from './order.ts';

/** The word for the direction, for rows and for what they are merged by. */
export const direction = (filter: JobFilter) =>
  sql.raw(filter.isAscending === true ? 'ASC' : 'DESC');

/** What a walk gives is sorted by: the run, the order, the id. */
export const merged = (filter: JobFilter) => {
  const toward = direction(filter);
  return sql`rank, key ${toward}, id ${toward}`;
};

/**
 * The first `most` jobs of the runs, in order, as rows (rank, key, id). Each facet is read in the order of
 * its index and ends after `most` rows, so the price is that of the rows shown, not of those that match.
 * The values that a run is split by are gone through in their order, a nested loop that ends with the last
 * row wanted. `conditions` must be ones that hardly any row on the way fails.
 */
export function buildWalk(
  filter: JobFilter,
  runs: readonly Run[],
  most: number,
  conditions: readonly RawBuilder<unknown>[],
): RawBuilder<unknown> {
  const toward = direction(filter);
  const heads = runs.map((run, rank) => {
    const sorted = run.sorted === undefined ? sql`` : sql`${run.sorted} ${toward}, `;
    return sql`(
      SELECT ${sql.lit(rank)} AS rank, part.key, part.id
      FROM (SELECT value FROM ${run.values} ORDER BY value ${toward}) AS split CROSS JOIN LATERAL (
        SELECT head.key, head.id FROM ${facetRows(run.facets)} CROSS JOIN LATERAL (
          SELECT ${run.key} AS key, jobs.id FROM jobs
          WHERE ${inFacet(filter.tenantId)} AND ${allOf([run.inSplit, run.condition, ...conditions])}
          ORDER BY ${sorted}jobs.id ${toward} LIMIT ${most}
        ) AS head ORDER BY head.key ${toward}, head.id ${toward} LIMIT ${most}
      ) AS part LIMIT ${most})`;
  });
  // one run after the other: the limit ends them before one that is not needed, and the order is the rows' own
  return sql`
    SELECT rank, key, id FROM (
      SELECT rank, key, id FROM (${sql.join(heads, sql` UNION ALL `)}) AS heads LIMIT ${most}
    ) AS first ORDER BY ${merged(filter)}`;
}

/** Whether state, failure and `persist` are asked for and leave `most` jobs at most. */
export async function leavesAtMost(db: Db, filter: JobFilter, most: number): Promise<boolean> {
  const facets = facetsOf(filter);
  if (facets.length === facetsOf({ tenantId: 0, limit: 0 }).length) return false;
  const { rows } = await sql<{ count: number }>`
    SELECT coalesce(sum(count), 0)::int AS count FROM ${facetRows(facets)} CROSS JOIN LATERAL (
      SELECT count(*) AS count FROM (
        SELECT FROM jobs WHERE ${inFacet(filter.tenantId)} LIMIT ${most + 1}) AS few
    ) AS counted`.execute(db);
  return (rows[0]?.count ?? 0) <= most;
}
