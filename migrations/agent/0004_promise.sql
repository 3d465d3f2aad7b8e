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
    error_us  INTEGER,
    checksum  INTEGER NOT NULL
) STRICT;

ALTER TABLE batch ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
-- Of all that a batch says: what a disk has turned over within a page is not seen by SQLite. NULL in what was
-- written before.
ALTER TABLE batch ADD COLUMN checksum INTEGER;
ALTER TABLE stream ADD COLUMN checksum INTEGER;

-- By which clocks a gap begins and ends: that of a crash begins by one and ends by another.
ALTER TABLE gap ADD COLUMN from_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gap ADD COLUMN to_epoch INTEGER NOT NULL DEFAULT 0;
-- Of all columns but the batch that reports it. The program writes those of gaps of before.
ALTER TABLE gap ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

-- Batches that wait for an acknowledgement. An acknowledged one leaves only this narrow table, so that its
-- content is not written again, and stays in `batch` for a while: a collector that comes back from an old
-- copy of its files gets it once more.
CREATE TABLE waiting (
    seq   INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    bulk  INTEGER NOT NULL,
    class INTEGER NOT NULL,
    t_min INTEGER NOT NULL,
    t_max INTEGER NOT NULL,
    -- Rows or events: what is lost is counted even if the batch cannot be read.
    n     INTEGER NOT NULL,
    -- Of the content.
    bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

DROP INDEX batch_by_order;
DROP INDEX batch_by_class;
-- The program fills it: all batches of before wait.
-- A later epoch is later, whatever its clock says.
CREATE INDEX waiting_by_order ON waiting (epoch, chunk, bulk, seq);
CREATE INDEX waiting_by_class ON waiting (class, seq);

-- What was acknowledged, by the hour.
CREATE TABLE acked (
    hour_id   INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    began_us  INTEGER NOT NULL,
    -- Numbers of batches that are still here, with the bytes of their content, and of those that are
    -- not: StreamRanges.
    here      BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    gone      BLOB NOT NULL,
    -- Event times of all of them, by the collector's clock.
    from_us   INTEGER NOT NULL,
    to_us     INTEGER NOT NULL,
    checksum  INTEGER NOT NULL
) STRICT;
