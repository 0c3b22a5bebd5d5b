import { type RawBuilder, sql } from 'kysely';
import type { JobFilter } from './filter.ts';
import type { Db } from '../db.ts';
import {
  allOf,
  columnConditions,
  dateConditions,
  facetRows,
  facetsOf,
  idConditions,
  inFacet,
} from './conditions.ts';

/**
 * How far the order of ids and that of creation may differ. A job draws its id and its time at the same
 * moment, so they differ when the database's clock is set back; by more than an hour, and a listing of
 * dates by id may miss jobs of that time.
 */
const SLACK = sql`interval '1 hour'`;

/** Conditions of a walk by id: the filter's own, and where in the index its dates begin and end. */
export const boundsById = (filter: JobFilter): readonly RawBuilder<unknown>[] => [
  ...idConditions(filter),
  // IS TRUE: else Postgres may read the index by date and sort all it finds
  ...dateConditions(filter).map((condition) => sql`(${condition}) IS TRUE`),
  ...idBounds(filter),
];

/**
 * Bounds of the ids of a facet's jobs created from `from` to `to`, so that a walk by id begins and ends
 * there. They leave none of them out, see `SLACK`; the dates themselves must be asked for too.
 */
function idBounds(filter: JobFilter): readonly RawBuilder<unknown>[] {
  const edge = (condition: RawBuilder<unknown>, toward: 'ASC' | 'DESC') => sql`
    (SELECT edge.id FROM jobs AS edge
     WHERE edge.tenant_id = ${filter.tenantId} AND edge.queue_state = facet.state
       AND edge.failed = facet.failed AND edge.persist = facet.persist AND ${condition}
     ORDER BY edge.created_at ${sql.raw(toward)}, edge.id ${sql.raw(toward)} LIMIT 1)`;
  const { from, to } = filter;
  const before = from && edge(sql`edge.created_at < ${from}::timestamptz - ${SLACK}`, 'DESC');
  const after = to && edge(sql`edge.created_at >= ${to}::timestamptz + ${SLACK}`, 'ASC');
  return [
    ...(before === undefined ? [] : [sql`jobs.id > coalesce(${before}, 0)`]),
    ...(after === undefined ? [] : [sql`jobs.id < coalesce(${after}, ${Number.MAX_SAFE_INTEGER})`]),
  ];
}

/** Ids of jobs that meet a filter's dates and facets, in no order, `most` at most. */
export async function findCreated(
  db: Db,
  filter: JobFilter,
  most: number,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT found.id FROM ${facetRows(facetsOf(filter))} CROSS JOIN LATERAL (
      SELECT jobs.id FROM jobs
      WHERE ${inFacet(filter.tenantId)} AND ${allOf(columnConditions(filter))}
      ORDER BY jobs.created_at LIMIT ${most}
    ) AS found LIMIT ${most}`.execute(db);
  return rows.map((row) => row.id);
}
