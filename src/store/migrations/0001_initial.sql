-- Identity, queue state, slots, logs, events and their deliveries. Media and execution live elsewhere.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE tenants (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  input_root text,
  output_root text,
  source_storage text NOT NULL DEFAULT 'S3',
  destination_storage text,
  -- networks besides the public ones that this tenant's URLs may lead to, as CIDR blocks
  allowed_networks text[] NOT NULL DEFAULT '{}',
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  key_hash bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id);

CREATE TABLE settings (
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  name text NOT NULL,
  setting text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);

CREATE TABLE jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id integer NOT NULL REFERENCES tenants,
  workflow text NOT NULL,
  content_id text,
  priority smallint NOT NULL DEFAULT 5,
  queue_state smallint NOT NULL,
  failed boolean NOT NULL DEFAULT false,
  -- JSON text as submitted: jsonb would reorder keys, drop duplicates and refuse \u0000
  parameters text NOT NULL,
  custom_data text,
  run_at timestamptz,
  semaphore_url text,
  persist boolean NOT NULL DEFAULT false,
  search_text text NOT NULL,
  message text,
  result json,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz,
  -- when the workflow execution was seen to exist
  dispatched_at timestamptz,
  ended_at timestamptz
);
CREATE INDEX jobs_queued ON jobs (tenant_id, priority, id) WHERE queue_state = 0;
CREATE INDEX jobs_started ON jobs (tenant_id, priority) WHERE queue_state = 1;
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, id DESC);
CREATE INDEX jobs_by_tenant_state ON jobs (tenant_id, queue_state, id DESC);
CREATE INDEX jobs_search ON jobs USING gin (search_text gin_trgm_ops);

CREATE TABLE tasks (
  job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
  number smallint NOT NULL,
  name text NOT NULL,
  -- start, complete or fail: the last thing told of it
  event text NOT NULL,
  message text NOT NULL DEFAULT '',
  -- failures of the work itself; lost workers are not counted
  failures integer NOT NULL DEFAULT 0,
  -- the attempt that may write; an older one finds itself superseded
  owner_run_id text,
  owner_attempt integer,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (job_id, number)
);

CREATE TABLE logs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
  task_id bigint,
  severity smallint NOT NULL,
  progname text NOT NULL,
  message text NOT NULL,
  visible boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX logs_job ON logs (job_id, id);

-- What Temporal is still to be told. A row goes when Temporal has it.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
  kind text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  due_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_due ON outbox (due_at, id);
CREATE INDEX outbox_job ON outbox (job_id);

CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
  -- 0 is the job itself
  task_number smallint NOT NULL,
  is_end boolean NOT NULL,
  -- frozen text of the callback
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- the same step again (a retried record, a reset workflow) is the same event
  UNIQUE (job_id, task_number, is_end)
);

-- Where callbacks go: scheme, host and port of a tenant's URLs. One workflow delivers to each.
CREATE TABLE endpoints (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  origin text NOT NULL,
  -- a delivery workflow is at work until then
  drained_until timestamptz NOT NULL DEFAULT '-infinity',
  UNIQUE (tenant_id, origin)
);

-- The callbacks of one job to one URL, sent one after the other.
CREATE TABLE streams (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
  endpoint_id bigint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
  url text NOT NULL,
  -- when the oldest pending delivery may be tried; null while there is none
  due_at timestamptz,
  -- a sender holds the stream until then
  claimed_until timestamptz NOT NULL DEFAULT '-infinity',
  UNIQUE (job_id, url)
);
CREATE INDEX streams_due ON streams (endpoint_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream_id bigint NOT NULL REFERENCES streams ON DELETE CASCADE,
  event_id bigint NOT NULL REFERENCES events ON DELETE CASCADE,
  -- pending, delivered or exhausted
  state text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  delivered_at timestamptz,
  UNIQUE (stream_id, event_id)
);
CREATE INDEX deliveries_pending ON deliveries (stream_id, event_id) WHERE state = 'pending';

CREATE TABLE delivery_attempts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery_id bigint NOT NULL REFERENCES deliveries ON DELETE CASCADE,
  at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  status integer,
  error text,
  answer text
);
CREATE INDEX delivery_attempts_delivery ON delivery_attempts (delivery_id, id);

-- The files of each published asset, so that the next publication knows what it replaces.
CREATE TABLE publications (
  location text NOT NULL,
  asset text NOT NULL,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  job_id bigint NOT NULL,
  files text[] NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, location, asset)
);
