-- What became of what agents sent: losses with their reason, clocks that are wrong, links.

-- The same numbers may be lost for two reasons; the key of a table cannot be changed in place.
CREATE TABLE gap_with_reason (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    stream_id BIGINT NOT NULL,
    seq_first BIGINT NOT NULL,
    seq_last  BIGINT NOT NULL,
    from_at   BIGINT NOT NULL,
    to_at     BIGINT NOT NULL,
    class     INTEGER NOT NULL,
    n         BIGINT NOT NULL,
    reason    INTEGER NOT NULL,
    recv_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, stream_id, seq_first, seq_last, class, reason)
);
INSERT INTO gap_with_reason (tenant_id, agent_id, stream_id, seq_first, seq_last, from_at, to_at,
                             class, n, reason, recv_at)
SELECT tenant_id, agent_id, stream_id, seq_first, seq_last, from_at, to_at, class, n, reason,
       recv_at
FROM gap;
DROP TABLE gap;
ALTER TABLE gap_with_reason RENAME TO gap;
-- What an agent lost of late.
CREATE INDEX gap_by_end ON gap (tenant_id, agent_id, to_at);

-- What was to be added to the agent's times to make them the collector's; NULL: it did not say. Beyond a
-- minute it has been added: what is stored are the collector's times.
ALTER TABLE ts_batch ADD COLUMN clock_offset_us BIGINT;

-- How agents were connected: sessions that opened, went on from another address, and ended.
CREATE TABLE agent_link (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    -- 1 ended, 2 from another address, 3 opened: in the order in which they are at the same time.
    event     BIGINT NOT NULL,
    transport TEXT NOT NULL,
    remote    TEXT NOT NULL,
    -- Why it ended; of one that opened, why it is not QUIC.
    reason    TEXT,
    PRIMARY KEY (tenant_id, agent_id, at, event)
);

-- Batches that were refused for good: what may be needed to find out why. Agents keep them apart, whole.
CREATE TABLE refused_batch (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    stream_id BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    -- As on the wire.
    code      BIGINT NOT NULL,
    detail    TEXT NOT NULL,
    -- Of what was sent, its length, and how it began.
    hash      BLOB NOT NULL,
    bytes     BIGINT NOT NULL,
    head      BLOB NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, stream_id, seq)
);
-- The newest of a tenant.
CREATE INDEX refused_batch_by_time ON refused_batch (tenant_id, at, agent_id, stream_id, seq);
