-- migrate: step by step
-- Undo of the last publish.

-- What the job that published it has told, so that it can be told again.
ALTER TABLE publications ADD COLUMN IF NOT EXISTS result json;

-- An undo looks for the publication of a job.
CREATE INDEX CONCURRENTLY IF NOT EXISTS publications_job ON publications (tenant_id, job_id);

-- The job whose publication this one takes back.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS undo_of bigint;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_undo_of ON jobs (undo_of) WHERE undo_of IS NOT NULL;

-- Publications that were replaced, until their files are deleted.
CREATE TABLE IF NOT EXISTS former_publications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  storage text NOT NULL,
  folder text NOT NULL,
  location text NOT NULL,
  asset text NOT NULL,
  -- the job that published it, and the one that replaced it
  job_id bigint NOT NULL,
  replaced_by bigint NOT NULL,
  files text[] NOT NULL,
  -- files of fixed names, kept under hidden ones: [{"key", "keptKey"}], in the order in which they are put back
  kept jsonb NOT NULL DEFAULT '[]',
  result json,
  -- it can be put back until then
  kept_until timestamptz NOT NULL,
  -- its files are being deleted: it cannot be put back any more
  is_purged boolean NOT NULL DEFAULT false,
  failures integer NOT NULL DEFAULT 0,
  last_error text,
  due_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS former_publications_due ON former_publications (due_at);
CREATE INDEX IF NOT EXISTS former_publications_replaced_by ON former_publications (replaced_by);
CREATE INDEX IF NOT EXISTS former_publications_place ON former_publications (tenant_id, location);
