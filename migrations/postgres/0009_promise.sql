-- What became of what agents sent: losses with their reason, clocks that are wrong, links.

-- The same numbers may be lost for two reasons.
ALTER TABLE gap DROP CONSTRAINT gap_pkey,
    ADD PRIMARY KEY (tenant_id, agent_id, stream_id, seq_first, seq_last, class, reason);
-- What an agent lost of late.
CREATE INDEX gap_by_end ON gap (tenant_id, agent_id, to_at);
-- The oldest of an agent that has too many are melted into fewer.
GRANT DELETE, UPDATE ON gap TO farwatch_ingest;
