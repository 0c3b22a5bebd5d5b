-- migrate: step by step
-- One writer per folder: what a job writes, reads and clears is kept with it, and who holds it is read from
-- the rows. Jobs from before claim nothing.

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS writes_to text[] NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS reads_from text[] NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS clears boolean NOT NULL DEFAULT false;

-- Jobs that hold their folders: from their first start to their end, paused ones too.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_holders ON jobs (tenant_id, id)
  WHERE started_at IS NOT NULL AND ended_at IS NULL;

-- Executions that the reconciler looks at, those of given up jobs now among them: one that nobody ends
-- would hold its folder for good.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_executions ON jobs (id)
  WHERE (queue_state IN (1, 4, 6) OR is_leaving) AND dispatched_at IS NOT NULL AND ended_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS jobs_open_executions;

-- Folders with all that are above them.
CREATE OR REPLACE FUNCTION folders_above(folders text[]) RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT array_to_string(parts[1:n], '/')), '{}')
    FROM unnest(folders) AS folder, string_to_array(folder, '/') AS parts,
         generate_series(1, array_length(parts, 1)) AS n $$;

-- Whether two jobs may not run at once; the rule of src/domain/folder-claims.ts, which tests hold it to.
CREATE OR REPLACE FUNCTION claims_clash(writes_a text[], reads_a text[], clears_a boolean,
                                        writes_b text[], reads_b text[], clears_b boolean)
  RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT writes_a && writes_b
        OR (clears_a AND writes_a && folders_above(writes_b || reads_b))
        OR (clears_b AND writes_b && folders_above(writes_a || reads_a)) $$;
