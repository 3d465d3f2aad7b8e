-- Times are UTC microseconds, ids are made by common::id, every key begins with the tenant.
-- No foreign key crosses tenants; composite keys keep a row's tenant and its parent's the same.

CREATE TABLE tenant (
    tenant_id  BIGINT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- The tenant's key, wrapped by the master key file: seals every credential of the tenant.
CREATE TABLE tenant_key (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    version     INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE site (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    site_id    BIGINT NOT NULL,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, site_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE agent (
    tenant_id           BIGINT NOT NULL,
    agent_id            BIGINT NOT NULL,
    site_id             BIGINT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT,
    platform            TEXT,
    -- Rises with every change of what the agent has to poll.
    assignment_revision BIGINT NOT NULL DEFAULT 1,
    last_seen_at        BIGINT,
    last_ack_at         BIGINT,
    created_at          BIGINT NOT NULL,
    revoked_at          BIGINT,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
);
CREATE UNIQUE INDEX agent_by_id ON agent (agent_id);

-- Which key speaks for which agent: looked up on every accepted connection.
CREATE TABLE agent_key (
    key_hash   BLOB PRIMARY KEY,
    tenant_id  BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL,
    not_after  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agent (tenant_id, agent_id)
);
CREATE INDEX agent_key_by_agent ON agent_key (tenant_id, agent_id);

CREATE TABLE enroll_token (
    token_id    BLOB PRIMARY KEY,
    tenant_id   BIGINT NOT NULL,
    site_id     BIGINT NOT NULL,
    secret_hash BLOB NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    used_by     BIGINT,
    FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
);

CREATE TABLE user_account (
    user_id       BIGINT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    -- super_admin sees every tenant; everybody else sees memberships only.
    super_admin   INTEGER NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE membership (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    user_id    BIGINT NOT NULL REFERENCES user_account (user_id),
    role       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE web_session (
    token_hash   BLOB PRIMARY KEY,
    user_id      BIGINT NOT NULL REFERENCES user_account (user_id),
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX web_session_by_user ON web_session (user_id);

CREATE TABLE api_key (
    api_key_id   BIGINT PRIMARY KEY,
    tenant_id    BIGINT NOT NULL REFERENCES tenant (tenant_id),
    name         TEXT NOT NULL,
    secret_hash  BLOB NOT NULL,
    -- Comma-separated: read, write.
    scopes       TEXT NOT NULL,
    created_by   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX api_key_by_tenant ON api_key (tenant_id);

CREATE TABLE device (
    tenant_id     BIGINT NOT NULL,
    device_id     BIGINT NOT NULL,
    site_id       BIGINT NOT NULL,
    agent_id      BIGINT NOT NULL,
    name          TEXT NOT NULL,
    -- 0: nobody gave it a name, so name is its address until its sys_name is known.
    named         INTEGER NOT NULL DEFAULT 1,
    -- As the operator gave it; never unique across agents: sites share address ranges.
    host          TEXT NOT NULL,
    port          INTEGER NOT NULL,
    interval_s    INTEGER NOT NULL,
    snmp_version  TEXT NOT NULL,
    -- SNMPv2-MIB system group, last seen.
    sys_descr     TEXT,
    sys_object_id TEXT,
    sys_name      TEXT,
    sys_location  TEXT,
    sys_contact   TEXT,
    facts_at      BIGINT,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id),
    UNIQUE (tenant_id, agent_id, host, port),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agent (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
);
CREATE INDEX device_by_agent ON device (tenant_id, agent_id);

-- Sealed under the tenant's key; AAD names tenant, site, device and version.
CREATE TABLE credential (
    tenant_id     BIGINT NOT NULL,
    credential_id BIGINT NOT NULL,
    device_id     BIGINT NOT NULL,
    site_id       BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    key_version   INTEGER NOT NULL,
    sealed        BLOB NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
CREATE INDEX credential_by_device ON credential (tenant_id, device_id);

-- The last interface table of each device, without counters.
CREATE TABLE interface (
    tenant_id   BIGINT NOT NULL,
    device_id   BIGINT NOT NULL,
    if_index    BIGINT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    alias       TEXT NOT NULL,
    if_type     BIGINT NOT NULL,
    speed_bps   BIGINT NOT NULL,
    mac         BLOB NOT NULL,
    seen_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, if_index),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);

-- Ordered columns of a device group's poll (protobuf SchemaDef).
CREATE TABLE ts_schema (
    tenant_id  BIGINT NOT NULL,
    schema_id  BIGINT NOT NULL,
    def        BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, schema_id)
);

-- Samples as the agents sent them. The key is what makes a batch count once.
CREATE TABLE ts_batch (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    stream_id BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    recv_at   BIGINT NOT NULL,
    t_min     BIGINT NOT NULL,
    t_max     BIGINT NOT NULL,
    n         INTEGER NOT NULL,
    class     INTEGER NOT NULL,
    codec     INTEGER NOT NULL,
    -- Which devices it holds, as two bits of 64 each and as four bytes each: filters, the first
    -- quick, the second close, that may both say yes too often.
    filter    BIGINT NOT NULL,
    devices   BLOB NOT NULL,
    hash      BLOB NOT NULL,
    data      BLOB NOT NULL
);
CREATE UNIQUE INDEX ts_batch_key ON ts_batch (tenant_id, agent_id, stream_id, seq);
-- Covers the search for a device's batches: a day of an agent is read from the index alone.
CREATE INDEX ts_batch_time ON ts_batch (tenant_id, agent_id, class, t_max, t_min, filter, devices);

-- Which schemas the rows of a device have: what series there are, without reading a batch.
CREATE TABLE device_schema (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    schema_id BIGINT NOT NULL,
    grp       INTEGER NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, schema_id)
);

-- Durable ranges per stream, updated in the transaction that stores their batches.
CREATE TABLE stream_cursor (
    tenant_id  BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL,
    stream_id  BIGINT NOT NULL,
    ranges     BLOB NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, stream_id)
);

-- Samples that will never come.
CREATE TABLE gap (
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
    PRIMARY KEY (tenant_id, agent_id, stream_id, seq_first, seq_last, class)
);

-- The last rows of an agent's devices per group, packed: what screens start from.
CREATE TABLE live_site (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    grp       INTEGER NOT NULL,
    ts        BIGINT NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, grp)
);
