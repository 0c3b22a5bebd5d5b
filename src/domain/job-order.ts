/** What a listing may be ordered by: the properties of a job, as the wire spells them. */
export const JOB_ORDERS = [
  'id',
  'client',
  'workflow',
  'content_id',
  'priority',
  'position',
  'queue_state',
  'failed',
  'persist',
  'run_at',
  'created_at',
  'updated_at',
  'started_at',
  'ended_at',
] as const;

/** One of {@link JOB_ORDERS}. */
export type JobOrder = (typeof JOB_ORDERS)[number];
