import type { JobOrder } from '../domain/job-order.ts';
import type { JobFilter } from '../store/job-list.ts';
import { InvalidSubmissionError } from './fault.ts';

/** The query of a listing, read. What is undefined was not asked for. */
export interface JobListQuery {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly order_by?: JobOrder | undefined;
  readonly asc?: boolean | undefined;
  readonly state?: number | undefined;
  readonly failed?: boolean | undefined;
  readonly persist?: boolean | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly search?: string | undefined;
  readonly job_ids?: readonly number[] | undefined;
}

/** Jobs that a listing has where `limit` is not given (contract §5). */
export const DEFAULT_LIMIT = 10;

/** A tenant's listing out of its query. Throws where two parts of it do not go together. */
export function toJobFilter(query: JobListQuery, tenantId: number): JobFilter {
  const cursor = query.before === undefined ? 'after' : 'before';
  const { order_by: orderBy = 'id' } = query;
  if (query[cursor] !== undefined && orderBy !== 'id') {
    throw new InvalidSubmissionError(
      `${cursor}: goes with order_by=id only; in another order, page by offset`,
    );
  }
  return {
    tenantId,
    limit: query.limit ?? DEFAULT_LIMIT,
    offset: query.offset,
    beforeId: query.before,
    afterId: query.after,
    orderBy,
    isAscending: query.asc,
    state: query.state,
    isFailed: query.failed,
    isPersistent: query.persist,
    from: query.from,
    to: query.to,
    search: query.search,
    jobIds: query.job_ids,
  };
}
