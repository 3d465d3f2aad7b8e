-- The twin of migrations/sqlite/0001_first.sql: same tables, columns, keys and names. Every integer
-- is a BIGINT and every text compares by bytes, as in SQLite, so that one statement serves both.
-- Runs as farwatch_owner, in the schema farwatch.
--
-- Times are UTC microseconds, ids are made by common::id, every key begins with the tenant.
-- No foreign key crosses tenants; composite keys keep a row's tenant and its parent's the same.

-- The tenants a transaction may see, as it said when it began: none unless it said so.
CREATE FUNCTION tenant_set() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenants', true), '')::bigint[] $$;

-- The names that SQLite has, so that one text serves both.
CREATE FUNCTION json_each(text) RETURNS TABLE (value bigint)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 8
    AS $$ SELECT element::bigint FROM jsonb_array_elements_text($1::jsonb) AS element $$;
CREATE FUNCTION instr(bytea, bytea) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT position($2 IN $1) $$;

CREATE TABLE tenant (
    tenant_id  BIGINT PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- The tenant's key, wrapped by the master key file: seals every credential of the tenant.
CREATE TABLE tenant_key (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    version     BIGINT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

CREATE TABLE site (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    site_id    BIGINT NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, site_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE agent (
    tenant_id           BIGINT NOT NULL,
    agent_id            BIGINT NOT NULL,
    site_id             BIGINT NOT NULL,
    name                TEXT COLLATE "C" NOT NULL,
    version             TEXT COLLATE "C",
    platform            TEXT COLLATE "C",
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
    key_hash   BYTEA PRIMARY KEY,
    tenant_id  BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL,
    not_after  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agent (tenant_id, agent_id)
);
CREATE INDEX agent_key_by_agent ON agent_key (tenant_id, agent_id);

CREATE TABLE enroll_token (
    token_id    BYTEA PRIMARY KEY,
    tenant_id   BIGINT NOT NULL,
    site_id     BIGINT NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    used_by     BIGINT,
    FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
);

CREATE TABLE user_account (
    user_id       BIGINT PRIMARY KEY,
    email         TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash TEXT COLLATE "C" NOT NULL,
    -- super_admin sees every tenant; everybody else sees memberships only.
    super_admin   BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    disabled_at   BIGINT
);

CREATE TABLE membership (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    user_id    BIGINT NOT NULL REFERENCES user_account (user_id),
    role       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE web_session (
    token_hash   BYTEA PRIMARY KEY,
    user_id      BIGINT NOT NULL REFERENCES user_account (user_id),
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX web_session_by_user ON web_session (user_id);

CREATE TABLE api_key (
    api_key_id   BIGINT PRIMARY KEY,
    tenant_id    BIGINT NOT NULL REFERENCES tenant (tenant_id),
    name         TEXT COLLATE "C" NOT NULL,
    secret_hash  BYTEA NOT NULL,
    -- Comma-separated: read, write.
    scopes       TEXT COLLATE "C" NOT NULL,
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
    name          TEXT COLLATE "C" NOT NULL,
    -- 0: nobody gave it a name, so name is its address until its sys_name is known.
    named         BIGINT NOT NULL DEFAULT 1,
    -- As the operator gave it; never unique across agents: sites share address ranges.
    host          TEXT COLLATE "C" NOT NULL,
    port          BIGINT NOT NULL,
    interval_s    BIGINT NOT NULL,
    snmp_version  TEXT COLLATE "C" NOT NULL,
    -- SNMPv2-MIB system group, last seen.
    sys_descr     TEXT COLLATE "C",
    sys_object_id TEXT COLLATE "C",
    sys_name      TEXT COLLATE "C",
    sys_location  TEXT COLLATE "C",
    sys_contact   TEXT COLLATE "C",
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
    kind          TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    key_version   BIGINT NOT NULL,
    sealed        BYTEA NOT NULL,
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
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    alias       TEXT COLLATE "C" NOT NULL,
    if_type     BIGINT NOT NULL,
    speed_bps   BIGINT NOT NULL,
    mac         BYTEA NOT NULL,
    seen_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, if_index),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);

-- Ordered columns of a device group's poll (protobuf SchemaDef).
CREATE TABLE ts_schema (
    tenant_id  BIGINT NOT NULL,
    schema_id  BIGINT NOT NULL,
    def        BYTEA NOT NULL,
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
    n         BIGINT NOT NULL,
    class     BIGINT NOT NULL,
    codec     BIGINT NOT NULL,
    -- Which devices it holds, as two bits of 64 each and as four bytes each: filters, the first
    -- quick, the second close, that may both say yes too often.
    filter    BIGINT NOT NULL,
    devices   BYTEA NOT NULL,
    hash      BYTEA NOT NULL,
    data      BYTEA NOT NULL
);
CREATE UNIQUE INDEX ts_batch_key ON ts_batch (tenant_id, agent_id, stream_id, seq);
-- Without `devices`, which SQLite has in it: an entry of a PostgreSQL index is at most a third of
-- a page, which 600 devices fill. The first filter leaves few rows to look at.
CREATE INDEX ts_batch_time ON ts_batch (tenant_id, agent_id, class, t_max, t_min, filter);

-- Which schemas the rows of a device have: what series there are, without reading a batch.
CREATE TABLE device_schema (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    schema_id BIGINT NOT NULL,
    grp       BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, schema_id)
);

-- Durable ranges per stream, updated in the transaction that stores their batches.
CREATE TABLE stream_cursor (
    tenant_id  BIGINT NOT NULL,
    agent_id   BIGINT NOT NULL,
    stream_id  BIGINT NOT NULL,
    ranges     BYTEA NOT NULL,
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
    class     BIGINT NOT NULL,
    n         BIGINT NOT NULL,
    reason    BIGINT NOT NULL,
    recv_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, stream_id, seq_first, seq_last, class)
);

-- The last rows of an agent's devices per group, packed: what screens start from.
CREATE TABLE live_site (
    tenant_id BIGINT NOT NULL,
    agent_id  BIGINT NOT NULL,
    grp       BIGINT NOT NULL,
    ts        BIGINT NOT NULL,
    data      BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, grp)
);

-- Row security is forced, so that it binds the owner of a table too: each role has what stands here
-- and nothing else. A later migration locks its tables by the same procedures.
CREATE PROCEDURE tenant_table_lock(name regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format(
        'CREATE POLICY owner ON %s TO farwatch_owner USING (true) WITH CHECK (true)', name);
    CALL tenant_policy('app', name);
END $$;

-- The role sees and writes the rows of the transaction's tenants. The set is in a subselect: it is
-- read once per statement and serves as the condition of an index.
CREATE PROCEDURE tenant_policy(role name, name regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE POLICY %I ON %s TO %I
         USING (tenant_id = ANY ((SELECT tenant_set())::bigint[]))
         WITH CHECK (tenant_id = ANY ((SELECT tenant_set())::bigint[]))',
        role, name, 'farwatch_' || role);
END $$;

-- Who a caller is and what it belongs to is asked before its tenants are known.
CREATE PROCEDURE identity_policy(name regclass) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE POLICY identity ON %s TO farwatch_identity USING (true) WITH CHECK (true)', name);
END $$;

REVOKE EXECUTE ON PROCEDURE tenant_table_lock, tenant_policy, identity_policy FROM PUBLIC;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'tenant', 'tenant_key', 'site', 'agent', 'agent_key', 'enroll_token', 'membership',
        'api_key', 'device', 'credential', 'interface', 'ts_schema', 'ts_batch',
        'device_schema', 'stream_cursor', 'gap', 'live_site']
    LOOP
        CALL tenant_table_lock(name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'tenant', 'site', 'agent', 'device', 'interface', 'ts_schema', 'ts_batch', 'device_schema',
        'stream_cursor', 'gap', 'live_site']
    LOOP
        CALL tenant_policy('ingest', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'tenant', 'site', 'agent', 'agent_key', 'enroll_token', 'membership', 'api_key']
    LOOP
        CALL identity_policy(name);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA farwatch TO farwatch_app, farwatch_ingest, farwatch_identity;

-- What people and their keys do, in the tenants they belong to.
GRANT SELECT, INSERT, UPDATE ON tenant, site, agent TO farwatch_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_key, device, credential, interface TO farwatch_app;
GRANT SELECT ON ts_schema, ts_batch, device_schema, stream_cursor, gap, live_site TO farwatch_app;
-- No secret, not even its hash.
GRANT SELECT (tenant_id, agent_id, not_after, created_at, revoked_at) ON agent_key TO farwatch_app;
GRANT SELECT (tenant_id, site_id, created_at, expires_at, used_at, used_by)
    ON enroll_token TO farwatch_app;
GRANT SELECT ON membership TO farwatch_app;
GRANT SELECT (api_key_id, tenant_id, name, scopes, created_by, created_at, expires_at, last_used_at,
              revoked_at) ON api_key TO farwatch_app;

-- What agents send.
GRANT SELECT ON tenant, site, agent, device TO farwatch_ingest;
GRANT UPDATE (last_seen_at, last_ack_at, version, platform, assignment_revision)
    ON agent TO farwatch_ingest;
GRANT UPDATE (name, sys_descr, sys_object_id, sys_name, sys_location, sys_contact, facts_at)
    ON device TO farwatch_ingest;
GRANT SELECT, INSERT, DELETE ON interface TO farwatch_ingest;
GRANT SELECT, INSERT ON ts_schema, ts_batch, device_schema, gap TO farwatch_ingest;
GRANT SELECT, INSERT, UPDATE ON stream_cursor, live_site TO farwatch_ingest;

-- Who is it: sign-in, API keys, enrolment, the keys of agents.
GRANT SELECT ON tenant TO farwatch_identity;
GRANT SELECT, INSERT ON site TO farwatch_identity;
GRANT SELECT (tenant_id, agent_id, site_id, revoked_at) ON agent TO farwatch_identity;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON membership, api_key, enroll_token, agent_key, user_account, web_session TO farwatch_identity;
