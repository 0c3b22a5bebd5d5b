-- Roles, system defaults, caps, keys that end, callback headers, and who changed what.

-- tenant_admin, system_admin
ALTER TABLE tenants ADD COLUMN roles text[] NOT NULL DEFAULT '{}';

ALTER TABLE api_keys ADD COLUMN expires_at timestamptz;
ALTER TABLE api_keys ADD COLUMN last_used_at timestamptz;
-- last characters of the key, for people who have to tell two keys apart
ALTER TABLE api_keys ADD COLUMN hint text;

-- What applies where a tenant has no setting of its own.
CREATE TABLE system_settings (
  name text PRIMARY KEY,
  setting text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What a tenant without a role may choose from; tenant_id null is for every tenant without a cap of its own.
CREATE TABLE setting_caps (
  tenant_id integer REFERENCES tenants ON DELETE CASCADE,
  name text NOT NULL,
  least double precision,
  most double precision,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (tenant_id, name),
  CHECK (least IS NOT NULL OR most IS NOT NULL)
);

-- Headers that go with every callback of a tenant. The value is sealed: see src/secrets.
CREATE TABLE callback_headers (
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  name text NOT NULL,
  sealed text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);

-- Who changed what, and when. Rows are only ever added.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- the tenant that was changed; null where the change concerns all
  tenant_id integer REFERENCES tenants ON DELETE SET NULL,
  -- the name of the tenant that asked, or 'cli'
  actor text NOT NULL,
  action text NOT NULL,
  detail json NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_at ON audit (at);
