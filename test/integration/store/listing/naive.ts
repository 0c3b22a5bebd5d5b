import type { JobOrder } from '../../../../src/domain/job-order.ts';
import { JOB_STATES, jobStateName } from '../../../../src/domain/job-state.ts';
import type { JobFilter } from '../../../../src/store/job-list.ts';

/** A job as the naive listing knows it. */
export interface PlainJob {
  id: number;
  tenant_id: number;
  workflow: string;
  content_id: string | null;
  priority: number;
  queue_state: number;
  failed: boolean;
  persist: boolean;
  run_at: string | null;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  ended_at: string | null;
  search_text: string;
}

const compare = (a: number | string | Buffer, b: number | string | Buffer): number =>
  a instanceof Buffer && b instanceof Buffer ? Buffer.compare(a, b) : a < b ? -1 : a > b ? 1 : 0;

/** Places of a tenant's queued jobs. */
export function placesOf(jobs: readonly PlainJob[], tenantId: number): ReadonlyMap<number, number> {
  const queued = jobs
    .filter((job) => job.tenant_id === tenantId && job.queue_state === JOB_STATES.queued)
    .sort((a, b) => a.priority - b.priority || a.id - b.id);
  return new Map(queued.map((job, at) => [job.id, at + 1]));
}

function valueOf(job: PlainJob, order: JobOrder, place: number | undefined) {
  switch (order) {
    case 'id':
    case 'client':
      return job.id;
    case 'position':
      return place ?? null;
    case 'failed':
    case 'persist':
      return Number(job[order]);
    case 'content_id':
      return job.content_id === null ? null : Buffer.from(job.content_id.slice(0, 200));
    default:
      return job[order];
  }
}

/** What `listJobs` has to give, worked out job by job. */
export function listNaively(
  jobs: readonly PlainJob[],
  filter: JobFilter,
): readonly { id: number; state: string; position: number | null }[] {
  const places = placesOf(jobs, filter.tenantId);
  const order = filter.orderBy ?? 'id';
  const toward = filter.isAscending === true ? 1 : -1;
  const wanted = jobs.filter(
    (job) =>
      job.tenant_id === filter.tenantId &&
      (filter.state === undefined || job.queue_state === filter.state) &&
      (filter.isFailed === undefined || job.failed === filter.isFailed) &&
      (filter.isPersistent === undefined || job.persist === filter.isPersistent) &&
      (filter.from === undefined || new Date(job.created_at) >= filter.from) &&
      (filter.to === undefined || new Date(job.created_at) < filter.to) &&
      (filter.beforeId === undefined || job.id < filter.beforeId) &&
      (filter.afterId === undefined || job.id > filter.afterId) &&
      (filter.jobIds === undefined || filter.jobIds.includes(job.id)) &&
      (filter.search === undefined ||
        job.search_text.toLowerCase().includes(filter.search.toLowerCase())),
  );
  wanted.sort((a, b) => {
    const [x, y] = [a, b].map((job) => valueOf(job, order, places.get(job.id)));
    if (x === null || x === undefined || y === null || y === undefined) {
      const isEmpty = (value: unknown): number => (value === null || value === undefined ? 1 : 0);
      return isEmpty(x) - isEmpty(y) || toward * (a.id - b.id);
    }
    return toward * (compare(x, y) || a.id - b.id);
  });
  const offset = filter.offset ?? 0;
  return wanted.slice(offset, offset + filter.limit).map((job) => ({
    id: job.id,
    state: jobStateName(job.queue_state),
    position: places.get(job.id) ?? null,
  }));
}
