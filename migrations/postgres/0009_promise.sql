-- What became of what agents sent: losses with their reason, clocks that are wrong, links.

-- The same numbers may be lost for two reasons.
ALTER TABLE gap DROP CONSTRAINT gap_pkey,
    ADD PRIMARY KEY (tenant_id, agent_id, stream_id, seq_first, seq_last, class, reason);
-- What an agent lost of late.
CREATE INDEX gap_by_end ON gap (tenant_id, agent_id, to_at);
-- The oldest of an agent that has too many are melted into fewer.
GRANT DELETE, UPDATE ON gap TO farwatch_ingest;

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
    transport TEXT COLLATE "C" NOT NULL,
    remote    TEXT COLLATE "C" NOT NULL,
    -- Why it ended; of one that opened, why it is not QUIC.
    reason    TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, agent_id, at, event)
);
CALL tenant_table_lock('agent_link');
CALL tenant_policy('ingest', 'agent_link');
GRANT SELECT ON agent_link TO farwatch_app;
GRANT SELECT, INSERT, DELETE ON agent_link TO farwatch_ingest;

-- Batches that were refused for good: what may be needed to find out why. Agents keep them apart, whole.
CREATE TABLE refused_batch (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    stream_id BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    -- As on the wire.
    code      BIGINT NOT NULL,
    detail    TEXT COLLATE "C" NOT NULL,
    -- Of what was sent, its length, and how it began.
    hash      BYTEA NOT NULL,
    bytes     BIGINT NOT NULL,
    head      BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, stream_id, seq)
);
-- The newest of a tenant.
CREATE INDEX refused_batch_by_time ON refused_batch (tenant_id, at, agent_id, stream_id, seq);
CALL tenant_table_lock('refused_batch');
CALL tenant_policy('ingest', 'refused_batch');
GRANT SELECT ON refused_batch TO farwatch_app;
GRANT SELECT, INSERT, DELETE ON refused_batch TO farwatch_ingest;
