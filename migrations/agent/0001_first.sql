-- What the agent has seen and the collector has not yet acknowledged. Times are UTC microseconds.

-- One row. The random id makes sequence numbers of a wiped or copied agent another stream.
CREATE TABLE stream (
    stream_id    INTEGER NOT NULL,
    -- First number that no committed batch has used. After an unclean stop the numbers from here
    -- to reserved_to may have been taken by batches that were lost.
    next_seq     INTEGER NOT NULL,
    reserved_to  INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    clean        INTEGER NOT NULL
) STRICT;

CREATE TABLE batch (
    seq     INTEGER PRIMARY KEY,
    class   INTEGER NOT NULL,
    codec   INTEGER NOT NULL,
    -- Event time in steps of five minutes, and whether classes 0 and 1 go before it.
    chunk   INTEGER NOT NULL,
    bulk    INTEGER NOT NULL,
    t_min   INTEGER NOT NULL,
    t_max   INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    -- Ids of the schemas its rows follow, 8 bytes little endian each.
    schemas BLOB NOT NULL,
    data    BLOB NOT NULL
) STRICT;

CREATE INDEX batch_by_order ON batch (chunk, bulk, seq);
CREATE INDEX batch_by_class ON batch (class, seq);

CREATE TABLE schema (
    schema_id INTEGER PRIMARY KEY,
    def       BLOB NOT NULL,
    -- An acknowledged batch has carried it.
    acked     INTEGER NOT NULL,
    -- Highest number of a batch that follows it.
    last_seq  INTEGER NOT NULL
) STRICT;

-- Samples that will never be sent. A row goes once the collector has acknowledged the batch that
-- reports it.
CREATE TABLE gap (
    gap_id    INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    seq_first INTEGER NOT NULL,
    seq_last  INTEGER NOT NULL,
    from_us   INTEGER NOT NULL,
    to_us     INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    reason    INTEGER NOT NULL,
    -- The batch that reports it; none yet while NULL.
    batch_seq INTEGER
) STRICT;

CREATE INDEX gap_by_batch ON gap (batch_seq);

-- Batches the collector will never take, for support; oldest go first.
CREATE TABLE quarantine (
    quarantine_id INTEGER PRIMARY KEY,
    seq           INTEGER NOT NULL,
    class         INTEGER NOT NULL,
    codec         INTEGER NOT NULL,
    code          INTEGER NOT NULL,
    detail        TEXT NOT NULL,
    at_us         INTEGER NOT NULL,
    data          BLOB NOT NULL
) STRICT;

-- Totals since the file was made; they change in the transaction of what they count.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
