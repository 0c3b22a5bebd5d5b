import { type RawBuilder, sql } from 'kysely';
import type { JobOrder } from '../../domain/job-order.ts';
import { JOB_STATES } from '../../domain/job-state.ts';
import { facetRows, inFacet } from './conditions.ts';
import type { Facet } from './filter.ts';

/** A part of an order: its jobs by `sorted` within a facet, then by id. A listing is its runs in turn. */
export interface Run {
  readonly facets: readonly Facet[];
  /** Rows (value) that the run is split by, one after the other, for a column of few values. */
  readonly values: RawBuilder<unknown>;
  /** A job belongs to the split at hand. */
  readonly inSplit: RawBuilder<unknown>;
  /** A job of the facets belongs to the run. */
  readonly condition: RawBuilder<unknown>;
  /** What the index of the order holds between the facet and the id; undefined where it is the id alone. */
  readonly sorted: RawBuilder<unknown> | undefined;
  /** What jobs of different facets are merged by, before the id. */
  readonly key: RawBuilder<unknown>;
}

const ALL = sql`true`;
const WHOLE = sql`(SELECT 1) AS whole (value)`;
const PRIORITIES = sql`generate_series(1, 10) AS priority (value)`;
const SAME = sql`NULL::smallint`;

/** Orders by a column with many values. Those that may be empty have the jobs without one last. */
const COLUMNS = {
  created_at: { column: sql`jobs.created_at`, mayBeEmpty: false },
  updated_at: { column: sql`jobs.updated_at`, mayBeEmpty: false },
  run_at: { column: sql`jobs.run_at`, mayBeEmpty: true },
  started_at: { column: sql`jobs.started_at`, mayBeEmpty: true },
  ended_at: { column: sql`jobs.ended_at`, mayBeEmpty: true },
  content_id: { column: sql`left(jobs.content_id, 200) COLLATE "C"`, mayBeEmpty: true },
} as const;

/** Orders by a part of the facet, which is the same for every job of a facet. */
const FACET_KEYS = {
  queue_state: sql`facet.state`,
  failed: sql`facet.failed::int`,
  persist: sql`facet.persist::int`,
} as const;

/** The workflows of a tenant's facets, each looked up behind the one before. */
const workflowsOf = (tenantId: number, facets: readonly Facet[]): RawBuilder<unknown> => sql`(
  SELECT DISTINCT one.value FROM ${facetRows(facets)} CROSS JOIN LATERAL (
    WITH RECURSIVE known (value) AS (
      (${nextWorkflow(tenantId, ALL)}) UNION ALL
      SELECT (${nextWorkflow(tenantId, sql`jobs.workflow COLLATE "C" > known.value`)}) FROM known
      WHERE known.value IS NOT NULL)
    SELECT value FROM known WHERE value IS NOT NULL) AS one) AS workflow (value)`;

const nextWorkflow = (tenantId: number, condition: RawBuilder<unknown>) => sql`
  SELECT jobs.workflow COLLATE "C" FROM jobs
  WHERE ${inFacet(tenantId)} AND ${condition}
  ORDER BY jobs.workflow COLLATE "C" LIMIT 1`;

/** The runs of an order over some facets of a tenant, first to last. */
export function runsOf(
  order: JobOrder,
  tenantId: number,
  facets: readonly Facet[],
): readonly Run[] {
  const byId = {
    facets,
    values: WHOLE,
    inSplit: ALL,
    condition: ALL,
    sorted: undefined,
    key: SAME,
  };
  const byPriority = {
    ...byId,
    values: PRIORITIES,
    inSplit: sql`jobs.priority = split.value`,
    key: sql`jobs.priority`,
  };
  switch (order) {
    case 'id':
    case 'client': // a tenant lists its own jobs only
      return [byId];
    case 'queue_state':
    case 'failed':
    case 'persist':
      return [{ ...byId, key: FACET_KEYS[order] }];
    case 'priority':
      return [byPriority];
    case 'position': {
      const isQueued = (facet: Facet): boolean => facet.state === JOB_STATES.queued;
      return [
        { ...byPriority, facets: facets.filter(isQueued) },
        { ...byId, facets: facets.filter((facet) => !isQueued(facet)) },
      ];
    }
    case 'workflow':
      return [
        {
          ...byId,
          values: workflowsOf(tenantId, facets),
          inSplit: sql`jobs.workflow COLLATE "C" = split.value`,
          key: sql`jobs.workflow COLLATE "C"`,
        },
      ];
    default: {
      const { column, mayBeEmpty } = COLUMNS[order];
      const run = { ...byId, sorted: column, key: column };
      if (!mayBeEmpty) return [run];
      return [
        { ...run, condition: sql`${column} IS NOT NULL` },
        { ...run, condition: sql`${column} IS NULL`, sorted: undefined },
      ];
    }
  }
}
