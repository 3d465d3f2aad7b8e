-- Stretches in which the system's clock ran as the monotonic one does. Times of a batch are by the clock
-- of its epoch; 0 is none that is known.
CREATE TABLE clock_epoch (
    epoch     INTEGER PRIMARY KEY,
    -- Random, of the process that stamped by it.
    process   INTEGER NOT NULL,
    began_us  INTEGER NOT NULL,
    -- How far the system's clock was ahead of the process's monotonic one: between two epochs of a
    -- process the difference is how far the clock was set.
    ahead_us  INTEGER NOT NULL,
    -- What makes its times the collector's, and how wrong that may be; NULL if it was not measured.
    offset_us INTEGER,
    error_us  INTEGER
) STRICT;

ALTER TABLE batch ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- By which clocks a gap begins and ends: that of a crash begins by one and ends by another.
ALTER TABLE gap ADD COLUMN from_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gap ADD COLUMN to_epoch INTEGER NOT NULL DEFAULT 0;

-- A later epoch is later, whatever its clock says.
DROP INDEX batch_by_order;
CREATE INDEX batch_by_order ON batch (epoch, chunk, bulk, seq);
