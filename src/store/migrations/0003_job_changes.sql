-- migrate: step by step
-- Pausing, giving up and running again.

-- A job that was paused or given up while it ran keeps its slot until its workflow has stopped.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS is_leaving boolean NOT NULL DEFAULT false;
-- The job that this one runs again; a job is run again once, by whichever of two requests comes first.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS rerun_of bigint REFERENCES jobs ON DELETE SET NULL;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS jobs_rerun_of ON jobs (rerun_of) WHERE rerun_of IS NOT NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_slots ON jobs (tenant_id, priority)
  WHERE (queue_state = 1 OR is_leaving) AND ended_at IS NULL;
-- replaced by jobs_slots, and by the reconciler's own below
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_open_executions ON jobs (id)
  WHERE (queue_state IN (1, 6) OR is_leaving) AND dispatched_at IS NOT NULL AND ended_at IS NULL;
