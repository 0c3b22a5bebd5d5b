-- What publishes write, kept before their first byte. A row goes with the switch, or once everything is taken back.
CREATE TABLE uploads (
  -- no reference: files may have to be removed longer than the job is kept
  job_id bigint NOT NULL,
  task_number smallint NOT NULL,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  storage text NOT NULL,
  folder text NOT NULL,
  location text NOT NULL,
  asset text NOT NULL,
  -- what is uploaded: named for the job, or hidden
  keys text[] NOT NULL,
  -- what the switch writes, under names that other publications use too
  fixed_keys text[] NOT NULL,
  -- those of them that were not there before the switch, with their lengths
  made jsonb NOT NULL DEFAULT '{}',
  -- tries to take it back that failed in a row
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  -- the first time that everything was taken back; it is looked at once more
  taken_back_at timestamptz,
  due_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job_id, task_number)
);
CREATE INDEX uploads_due ON uploads (due_at);
CREATE INDEX uploads_place ON uploads (tenant_id, location, asset);
