import type { JobOrder } from '../../domain/job-order.ts';

/** What a listing is narrowed to, every part that is given must hold, and which of it is shown. */
export interface JobFilter {
  readonly tenantId: number;
  /** Jobs at most. */
  readonly limit: number;
  /** Jobs of the whole listing that come before the first one shown. Default 0. */
  readonly offset?: number | undefined;
  /** Default `id`. Jobs with the same value go by id, those without a value come last. */
  readonly orderBy?: JobOrder | undefined;
  /** Default false: newest, latest, highest first. */
  readonly isAscending?: boolean | undefined;
  /** State number, 0–6. */
  readonly state?: number | undefined;
  readonly isFailed?: boolean | undefined;
  readonly isPersistent?: boolean | undefined;
  /** Created at this moment or later. */
  readonly from?: Date | undefined;
  /** Created before this moment. */
  readonly to?: Date | undefined;
  /** Only ids below this one. */
  readonly beforeId?: number | undefined;
  /** Only ids above this one. */
  readonly afterId?: number | undefined;
  /** Text that the content id or any submitted value contains, in any case of letters. */
  readonly search?: string | undefined;
  readonly jobIds?: readonly number[] | undefined;
}

/** One combination of the three filters that every index of listings begins with. */
export interface Facet {
  readonly state: number;
  readonly isFailed: boolean;
  readonly isPersistent: boolean;
}
