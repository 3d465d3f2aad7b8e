-- The class of the batches that follow a schema, so that it goes with the last of them; 0 where that
-- is not known.
ALTER TABLE schema ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
