-- migrate: step by step
-- Listing: every filter and every order from an index, see docs/listing.md.

-- What `search` looks through, in lower case, apart from the jobs: a job's row changes with its states, its
-- text never does. In `jobs` every change would add some hundred trigrams to the index again.
CREATE TABLE IF NOT EXISTS job_search (
  job_id bigint PRIMARY KEY,
  tenant_id integer NOT NULL,
  search_text text NOT NULL
);

-- jobs.search_text stays the one that is written, by this version and by the one before it. No foreign key:
-- its check would cost each insert as much again. A statement at a time, as jobs come and go by the dozen.
CREATE OR REPLACE FUNCTION add_job_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO job_search (job_id, tenant_id, search_text)
    SELECT id, tenant_id, lower(search_text) FROM added;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION delete_job_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job_search WHERE job_id IN (SELECT id FROM gone);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER jobs_add_search AFTER INSERT ON jobs
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_job_search();
CREATE OR REPLACE TRIGGER jobs_delete_search AFTER DELETE ON jobs
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION delete_job_search();
-- From this version on the text is written in lower case. What is there already may hold capitals that a
-- database with the locale C does not know; Postgres 17 and builds with ICU know them whatever the locale.
DO $$
DECLARE
  wide text := (SELECT quote_ident(collname) FROM pg_collation
                WHERE collname IN ('pg_c_utf8', 'und-x-icu') AND getdatabaseencoding() = 'UTF8'
                ORDER BY collname LIMIT 1);
BEGIN
  EXECUTE format('INSERT INTO job_search (job_id, tenant_id, search_text)
    SELECT id, tenant_id, lower(search_text COLLATE %s) FROM jobs ORDER BY id
    ON CONFLICT DO NOTHING', coalesce(wide, '"default"'));
END $$;

-- The array holds one number, the tenant with a span of 32,768 ids: a search may look at the newest spans
-- first and stop. A small pending list, as each search reads all of it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS job_search_text ON job_search USING gin
  ((ARRAY[(tenant_id::bigint << 32) | (job_id >> 15)]), search_text gin_trgm_ops)
  WITH (gin_pending_list_limit = 1024);

-- The three filters first, then an order. A listing walks each combination of the filters, 28 at most,
-- in that order and merges the heads; jobs without a value come last, by id. Indexes of what a new job does
-- not have yet leave it out.
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_id ON jobs
  (tenant_id, queue_state, failed, persist, id);
-- with what the jobs of a range of dates may be sorted by
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_created_at ON jobs
  (tenant_id, queue_state, failed, persist, created_at, id)
  INCLUDE (updated_at, run_at, started_at, ended_at);
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_updated_at ON jobs
  (tenant_id, queue_state, failed, persist, updated_at, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_run_at ON jobs
  (tenant_id, queue_state, failed, persist, run_at, id) WHERE run_at IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_started_at ON jobs
  (tenant_id, queue_state, failed, persist, started_at, id) WHERE started_at IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_ended_at ON jobs
  (tenant_id, queue_state, failed, persist, ended_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_priority ON jobs
  (tenant_id, queue_state, failed, persist, priority, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_workflow ON jobs
  (tenant_id, queue_state, failed, persist, workflow COLLATE "C", id);
-- an index entry has 2,700 bytes at most, a content id has no limit
CREATE INDEX CONCURRENTLY IF NOT EXISTS jobs_list_content_id ON jobs
  (tenant_id, queue_state, failed, persist, (left(content_id, 200)) COLLATE "C", id);

-- Places in the queue are counted in an index alone where a vacuum has passed the rows: it comes after ten
-- thousand new ones and not after a fifth of the table. It also empties the pending list of the texts.
ALTER TABLE jobs SET (autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0);
ALTER TABLE job_search SET
  (autovacuum_vacuum_insert_threshold = 10000, autovacuum_vacuum_insert_scale_factor = 0);

DROP INDEX CONCURRENTLY IF EXISTS jobs_search;
DROP INDEX CONCURRENTLY IF EXISTS jobs_by_tenant_state;
