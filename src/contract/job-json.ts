import { z } from 'zod';
import { describeWait, type FolderWait } from '../domain/folder-queue.ts';
import { JOB_STATES, type JobState } from '../domain/job-state.ts';
import type { JobSummary } from '../store/jobs.ts';
import { joinObject } from '../domain/raw-json.ts';

const time = z.iso.datetime({ precision: 3 });
const states = Object.keys(JOB_STATES) as [JobState, ...JobState[]];

/** A job (contract §5) with what else is worth knowing of it. Times are UTC with milliseconds. */
export const JobJson = z
  .object({
    id: z.int(),
    client: z.string(),
    workflow: z.string(),
    content_id: z.string().nullable(),
    priority: z.int().describe('1 first, 10 last'),
    position: z
      .int()
      .nullable()
      .describe("Place among the client's queued jobs, 1 for the next; null for one not queued"),
    top_of_queue: z.boolean(),
    waits_for: z
      .object({
        job_id: z.int(),
        reason: z.string().describe('What that job does, and in which folder'),
      })
      .nullable()
      .describe(
        'A job of the client that uses a folder of this queued one, or is ahead in the queue and will; null where it waits for a slot alone',
      ),
    queue_state: z.enum(states),
    failed: z.boolean().describe('A failed job is completed, and failed'),
    message: z.string().nullable().describe('What the job callback says'),
    persist: z.boolean(),
    run_at: time.nullable(),
    semaphore_url: z.string().nullable(),
    created_at: time,
    updated_at: time,
    started_at: time.nullable(),
    ended_at: time.nullable(),
    undo_until: time
      .nullable()
      .optional()
      .describe(
        'Until when `POST /jobs/{id}/undo` is possible; null where it is not. Not in listings',
      ),
    parameters: z
      .looseObject({})
      .optional()
      .describe('As submitted, with numbers and booleans sent as text set right. Not in listings'),
  })
  .meta({
    id: 'Job',
    example: {
      id: 42,
      client: 'acme',
      workflow: 'vodstream',
      content_id: 'movie-42',
      priority: 5,
      position: 3,
      top_of_queue: false,
      waits_for: {
        job_id: 41,
        reason: 'Job 41 writes the same folder: local:/media/acme/movie-42',
      },
      queue_state: 'queued',
      failed: false,
      message: null,
      persist: false,
      run_at: null,
      semaphore_url: null,
      created_at: '2030-01-31T17:59:12.345Z',
      updated_at: '2030-01-31T17:59:12.345Z',
      started_at: null,
      ended_at: null,
      undo_until: null,
      parameters: { content_id: 'movie-42', source_folder: 'incoming/movie-42' },
    },
  });

/** {@link JobJson} without the parameters, which are kept as text. */
type JobMembers = Omit<z.infer<typeof JobJson>, 'parameters' | 'undo_until'>;

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

const toWaitsFor = (wait: FolderWait | undefined): JobMembers['waits_for'] =>
  wait === undefined ? null : { job_id: wait.jobId, reason: toReason(wait) };

/** For whom a job waits, and why, as a sentence. */
export const toReason = (wait: FolderWait): string => `Job ${wait.jobId} ${describeWait(wait)}`;

/** What is known of a job's place in the queue at the moment. */
export interface QueuePlace {
  /** 1 for the next to start, null for a job that is not queued. */
  readonly position: number | null;
  readonly wait: FolderWait | undefined;
}

function toMembers(job: JobSummary, { position, wait }: QueuePlace): JobMembers {
  return {
    id: job.id,
    client: job.tenant,
    workflow: job.workflow,
    content_id: job.contentId,
    priority: job.priority,
    position,
    top_of_queue: position === 1,
    waits_for: toWaitsFor(wait),
    queue_state: job.state,
    failed: job.isFailed,
    message: job.message,
    persist: job.isPersistent,
    run_at: iso(job.runAt),
    semaphore_url: job.semaphoreUrl,
    created_at: job.createdAt.toISOString(),
    updated_at: job.updatedAt.toISOString(),
    started_at: iso(job.startedAt),
    ended_at: iso(job.endedAt),
  };
}

const toTexts = (members: object): (readonly [string, string])[] =>
  Object.entries(members).map(([key, value]) => [key, JSON.stringify(value)]);

/** A job of a listing as JSON text. */
export const toListedJobJson = (job: JobSummary, place: QueuePlace): string =>
  joinObject(toTexts(toMembers(job, place)));

/** A job as JSON text. `parameters` is raw JSON text and goes in as it is. */
export const toJobJson = (
  job: JobSummary & { readonly parameters: string },
  place: QueuePlace & { readonly undoUntil: Date | undefined },
): string =>
  joinObject([
    ...toTexts({ ...toMembers(job, place), undo_until: iso(place.undoUntil ?? null) }),
    ['parameters', job.parameters],
  ]);
