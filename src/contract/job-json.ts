import type { Job } from '../store/jobs.ts';
import { joinObject } from './raw-json.ts';

/** What the queue says of a job. */
export interface JobPlace {
  /** 1 for the next to start, null for a job that does not wait. */
  readonly position: number | null;
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/**
 * A job as JSON text (contract §5). `parameters` go in as the raw text that was kept; listings may
 * leave them out.
 */
export function toJobJson(
  job: Job,
  place: JobPlace,
  options: { readonly withParameters: boolean },
): string {
  const members = Object.entries({
    id: job.id,
    client: job.tenant,
    workflow: job.workflow,
    content_id: job.contentId,
    priority: job.priority,
    position: place.position,
    top_of_queue: place.position === 1,
    queue_state: job.state,
    failed: job.isFailed,
    message: job.message,
    persist: job.isPersistent,
    run_at: iso(job.runAt),
    semaphore_url: job.semaphoreUrl,
    created_at: iso(job.createdAt),
    updated_at: iso(job.updatedAt),
    started_at: iso(job.startedAt),
    ended_at: iso(job.endedAt),
  }).map(([key, value]) => [key, JSON.stringify(value)] as const);
  return joinObject(
    options.withParameters ? [...members, ['parameters', job.parameters]] : members,
  );
}
