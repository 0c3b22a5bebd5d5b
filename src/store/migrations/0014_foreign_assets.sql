-- What a publish replaces may be of no job: files that another system or a client has put there.
ALTER TABLE former_publications ALTER COLUMN job_id DROP NOT NULL;
