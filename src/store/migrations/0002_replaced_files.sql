-- What the last switch of an asset replaced: a worker killed before it deleted those files is told
-- them again when it retries.
ALTER TABLE publications ADD COLUMN replaced text[] NOT NULL DEFAULT '{}';
