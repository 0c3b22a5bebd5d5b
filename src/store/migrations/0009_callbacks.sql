-- migrate: step by step
-- What became of each callback, how an endpoint is, and how a tenant wants its callbacks.

-- failures in a row; seconds between two probes while the breaker is open, 0 while it is closed
ALTER TABLE endpoints ADD COLUMN IF NOT EXISTS failures integer NOT NULL DEFAULT 0;
ALTER TABLE endpoints ADD COLUMN IF NOT EXISTS probe_seconds integer NOT NULL DEFAULT 0;
-- nothing is sent before: the next probe, or as long as the receiver asked for
ALTER TABLE endpoints ADD COLUMN IF NOT EXISTS closed_until timestamptz NOT NULL DEFAULT '-infinity';

-- a receiver answered 410: it wants nothing more of this job
ALTER TABLE streams ADD COLUMN IF NOT EXISTS is_stopped boolean NOT NULL DEFAULT false;
-- how often the receiver refused it, 4xx; besides pending, delivered and exhausted a delivery may be
-- parked (refused three times, or the engine failed at it five times) or stopped (after a 410)
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS refusals integer NOT NULL DEFAULT 0;
-- how often the engine failed at it for a reason of its own that nobody foresaw; at the fifth it is parked
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS faults integer NOT NULL DEFAULT 0;

-- whether the receiver's certificate was verified; null where there was none, over http
ALTER TABLE delivery_attempts ADD COLUMN IF NOT EXISTS tls_verified boolean;

-- for replays of a range of time: events are added in the order of their times
CREATE INDEX CONCURRENTLY IF NOT EXISTS events_created ON events USING brin (created_at);

CREATE TABLE IF NOT EXISTS callback_settings (
  tenant_id integer PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
  -- templates of the bodies; null sends the contract's
  shape json,
  -- URLs that get the callbacks of every job besides the job's own
  default_urls text[] NOT NULL DEFAULT '{}',
  verifies_tls boolean NOT NULL DEFAULT true,
  -- certificate and private key for receivers that ask for one, sealed: see src/secrets
  sealed_certificate text,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Secrets that a tenant's callbacks are signed with, sealed. Two sign while they are exchanged.
CREATE TABLE IF NOT EXISTS signing_secrets (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  sealed text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- null signs until it is replaced
  expires_at timestamptz
);
CREATE INDEX IF NOT EXISTS signing_secrets_tenant ON signing_secrets (tenant_id);
