-- migrate: step by step
-- Submissions sent again, and what GET /health counts.

-- Jobs of requests that came with an Idempotency-Key. No reference to the job: a repeated request is
-- answered the same after its job was cleared.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  key text NOT NULL,
  -- SHA-256 of method, path and body
  request_hash bytea NOT NULL,
  -- the job that the request made; null only inside the transaction that makes it
  job_id bigint,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_created ON idempotency_keys (created_at);

-- What each worker of each process does now. A row that is not renewed belongs to a dead process.
CREATE TABLE IF NOT EXISTS worker_status (
  -- how Temporal knows the worker, host/process@queue
  identity text PRIMARY KEY,
  queue text NOT NULL,
  working integer NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- false once it has stopped: Temporal goes on listing its poller for minutes
  is_running boolean NOT NULL DEFAULT true
);

-- Ended tasks of each tenant, as a ledger: a row for each end, so that tasks that end at the same time
-- never wait for one another. Workers fold the rows now and then. Clearing jobs takes nothing away.
CREATE TABLE IF NOT EXISTS task_tally (
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  processed bigint NOT NULL,
  failed bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS task_tally_tenant ON task_tally (tenant_id);

CREATE OR REPLACE FUNCTION tally_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO task_tally (tenant_id, processed, failed)
  SELECT tenant_id, 1, CASE WHEN NEW.event = 'fail' THEN 1 ELSE 0 END FROM jobs WHERE id = NEW.job_id;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tasks_tally_insert AFTER INSERT ON tasks
  FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION tally_task();
CREATE OR REPLACE TRIGGER tasks_tally_update AFTER UPDATE ON tasks
  FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION tally_task();

-- What ended before the triggers: what has ended less what they have told, as one statement sees both.
INSERT INTO task_tally (tenant_id, processed, failed)
SELECT tenant_id, ended.processed - coalesce(told.processed, 0), ended.failed - coalesce(told.failed, 0)
FROM (SELECT tenant_id, count(*) AS processed, count(*) FILTER (WHERE event = 'fail') AS failed
      FROM tasks JOIN jobs ON jobs.id = job_id WHERE tasks.ended_at IS NOT NULL GROUP BY tenant_id) AS ended
LEFT JOIN (SELECT tenant_id, sum(processed) AS processed, sum(failed) AS failed
           FROM task_tally GROUP BY tenant_id) AS told USING (tenant_id)
WHERE ended.processed > coalesce(told.processed, 0);
