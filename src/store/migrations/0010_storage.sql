-- S3 and Azure Blob per tenant, apart for sources and results. Set by the operator's command line alone.
CREATE TABLE tenant_storages (
  tenant_id integer NOT NULL REFERENCES tenants ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('S3', 'azure_blob')),
  side text NOT NULL CHECK (side IN ('input', 'output')),
  settings json NOT NULL,
  -- the secret part of the credentials, sealed: see src/secrets; null where the worker's own identity is used
  sealed text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, kind, side)
);
