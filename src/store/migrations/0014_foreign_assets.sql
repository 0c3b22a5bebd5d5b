-- What a publish replaces may be of no job: files that another system or a client has put there.
ALTER TABLE former_publications ALTER COLUMN job_id DROP NOT NULL;

-- Since this version what a switch replaces is in former_publications alone, with an undo_window of 0 too; publications.replaced
-- is left to the versions before, and goes with the next.
