-- migrate: step by step
-- Scheduled jobs and their semaphores; clearing of old jobs.

-- When to look at the semaphore next; null: at the next tick.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS poll_at timestamptz;
-- What it answered last, as the job's log told: a status, or `none`; null before the first look.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS semaphore_answer text;

-- 5 is scheduled. Jobs that wait for their time alone:
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_scheduled ON jobs ((coalesce(run_at, '-infinity')))
  WHERE queue_state = 5 AND semaphore_url IS NULL;
-- Jobs that wait for a semaphore, in the order in which they are looked at: of a tenant, semaphores that
-- gave no answer last time come after the others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_semaphores ON jobs
  (tenant_id, (semaphore_answer IS NOT DISTINCT FROM 'none'), (coalesce(greatest(poll_at, run_at), '-infinity')), id)
  WHERE queue_state = 5 AND semaphore_url IS NOT NULL;
-- Jobs of one semaphore. Hashed: a URL may be longer than an index entry.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_semaphore_urls ON jobs (tenant_id, md5(semaphore_url))
  WHERE queue_state = 5 AND semaphore_url IS NOT NULL;

-- Jobs that are cleared one day, the first to go first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL AND NOT persist;
-- for the cascade that follows when a job goes
CREATE INDEX CONCURRENTLY IF NOT EXISTS deliveries_event ON deliveries (event_id);
