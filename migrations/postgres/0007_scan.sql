-- Scans of sites: what somebody looked for, and what was found.

CREATE TABLE scan (
    tenant_id  BIGINT NOT NULL,
    scan_id    BIGINT NOT NULL,
    -- Where the agent was when it began.
    site_id    BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL,
    -- As the audit names them.
    asked_by   TEXT COLLATE "C" NOT NULL,
    -- JSON: the texts; the profiles, each with id, name and tag.
    ranges     TEXT COLLATE "C" NOT NULL,
    profiles   TEXT COLLATE "C" NOT NULL,
    port       BIGINT NOT NULL,
    packets_per_second BIGINT NOT NULL,
    -- running, waiting, done, failed, cancelled.
    state      TEXT COLLATE "C" NOT NULL,
    -- A sentence.
    detail     TEXT COLLATE "C",
    -- Addresses.
    asked      BIGINT NOT NULL,
    total      BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    PRIMARY KEY (tenant_id, scan_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agent (tenant_id, agent_id)
);
-- One scan of an agent at a time.
CREATE UNIQUE INDEX scan_open ON scan (tenant_id, agent_id) WHERE state IN ('running', 'waiting');

CREATE TABLE scan_host (
    tenant_id BIGINT NOT NULL,
    scan_id   BIGINT NOT NULL,
    -- The address as a number.
    place     BIGINT NOT NULL,
    -- 1: it was a device already, and was not asked.
    watched   BIGINT NOT NULL,
    -- Which, where its agent knows it by a host name.
    device_id BIGINT,
    -- Of its answer to an echo request.
    echo_us   BIGINT,
    -- What it takes over SNMP; NULL: nothing that was tried.
    snmp_version TEXT COLLATE "C",
    profile_id   BIGINT,
    profile_name TEXT COLLATE "C",
    -- Why it takes none.
    cause     TEXT COLLATE "C",
    advice    TEXT COLLATE "C",
    sys_name  TEXT COLLATE "C",
    sys_descr TEXT COLLATE "C",
    sys_object_id TEXT COLLATE "C",
    -- When it was started, by its sysUpTime.
    up_since  BIGINT,
    PRIMARY KEY (tenant_id, scan_id, place),
    FOREIGN KEY (tenant_id, scan_id) REFERENCES scan (tenant_id, scan_id) ON DELETE CASCADE
);

CALL tenant_table_lock('scan');
CALL tenant_table_lock('scan_host');
GRANT SELECT, INSERT, UPDATE, DELETE ON scan TO farwatch_app;
-- Hosts go with their scan.
GRANT SELECT, INSERT, DELETE ON scan_host TO farwatch_app;
