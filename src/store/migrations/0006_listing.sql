-- Listing: every filter and every order from an index, see docs/adr/0009-listing.md.

-- What `search` looks through, lower case, apart from the jobs: a job's row changes with its states, its
-- text never does. In `jobs` every change would have added some hundred trigrams to the index again.
CREATE TABLE job_search (
  job_id bigint PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
  tenant_id integer NOT NULL,
  search_text text NOT NULL
);

-- jobs.search_text stays the one that is written, by this version and by the one before it
CREATE FUNCTION copy_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO job_search (job_id, tenant_id, search_text)
  VALUES (NEW.id, NEW.tenant_id, lower(NEW.search_text));
  RETURN NULL;
END $$;
CREATE TRIGGER jobs_search_text AFTER INSERT ON jobs
  FOR EACH ROW EXECUTE FUNCTION copy_search_text();
INSERT INTO job_search (job_id, tenant_id, search_text)
  SELECT id, tenant_id, lower(search_text) FROM jobs ORDER BY id;
DROP INDEX jobs_search;
-- The array holds one number, the tenant with a span of 32,768 ids: a search may look at the newest spans
-- first and stop. A small pending list, as each search reads all of it.
CREATE INDEX job_search_text ON job_search USING gin
  ((ARRAY[(tenant_id::bigint << 32) | (job_id >> 15)]), search_text gin_trgm_ops)
  WITH (gin_pending_list_limit = 512);

-- The three filters first, then an order. A listing walks each combination of the filters, 28 at most,
-- in that order and merges the heads.
DROP INDEX jobs_by_tenant_state;
CREATE INDEX jobs_list_id ON jobs (tenant_id, queue_state, failed, persist, id);
-- with what the jobs of a range of dates may be sorted by
CREATE INDEX jobs_list_created_at ON jobs (tenant_id, queue_state, failed, persist, created_at, id)
  INCLUDE (updated_at, run_at, started_at, ended_at);
CREATE INDEX jobs_list_updated_at ON jobs (tenant_id, queue_state, failed, persist, updated_at, id);
CREATE INDEX jobs_list_run_at ON jobs (tenant_id, queue_state, failed, persist, run_at, id);
CREATE INDEX jobs_list_started_at ON jobs (tenant_id, queue_state, failed, persist, started_at, id);
CREATE INDEX jobs_list_ended_at ON jobs (tenant_id, queue_state, failed, persist, ended_at, id);
CREATE INDEX jobs_list_priority ON jobs (tenant_id, queue_state, failed, persist, priority, id);
CREATE INDEX jobs_list_workflow ON jobs
  (tenant_id, queue_state, failed, persist, workflow COLLATE "C", id);
-- an index entry has 2,700 bytes at most, a content id has no limit
CREATE INDEX jobs_list_content_id ON jobs
  (tenant_id, queue_state, failed, persist, (left(content_id, 200)) COLLATE "C", id);
