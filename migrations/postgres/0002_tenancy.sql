-- Staff and grants, sessions that can be listed, second factors, quotas, tags, credential profiles,
-- and the audit.

ALTER TABLE user_account ADD COLUMN password_changed_at BIGINT;
-- Of the provider: may be granted into tenants.
ALTER TABLE user_account ADD COLUMN staff BIGINT NOT NULL DEFAULT 0;

-- Which master key wraps it; NULL is the first.
ALTER TABLE tenant_key ADD COLUMN master_id BYTEA;

-- Networks that a key may come from, comma-separated CIDRs; NULL is from anywhere.
ALTER TABLE api_key ADD COLUMN sources TEXT COLLATE "C";

-- NULL in a session from before this migration.
ALTER TABLE web_session ADD COLUMN session_id BIGINT;
ALTER TABLE web_session ADD COLUMN address TEXT COLLATE "C";
ALTER TABLE web_session ADD COLUMN agent TEXT COLLATE "C";
CREATE UNIQUE INDEX web_session_by_id ON web_session (session_id);

CREATE INDEX enroll_token_by_site ON enroll_token (tenant_id, site_id);

-- The installation's own key: seals what belongs to no tenant.
CREATE TABLE installation_key (
    version     BIGINT PRIMARY KEY,
    wrapped_key BYTEA NOT NULL,
    master_id   BYTEA,
    created_at  BIGINT NOT NULL
);

-- A person of the provider in a tenant, for a reason and for a while: 8 hours at most.
CREATE TABLE staff_grant (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    grant_id   BIGINT NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES user_account (user_id),
    role       TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL CHECK (length(reason) >= 3),
    granted_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT,
    ended_by   BIGINT,
    PRIMARY KEY (tenant_id, grant_id),
    CHECK (expires_at > created_at AND expires_at <= created_at + 28800000000)
);
CREATE INDEX staff_grant_by_user ON staff_grant (user_id, expires_at);

-- NULL is the installation's default.
CREATE TABLE quota (
    tenant_id      BIGINT PRIMARY KEY REFERENCES tenant (tenant_id),
    agents         BIGINT,
    devices        BIGINT,
    series         BIGINT,
    api_per_second BIGINT,
    updated_at     BIGINT NOT NULL
);

-- Sealed under the installation's key. A step counts once: `last_step` only rises.
CREATE TABLE user_totp (
    user_id      BIGINT PRIMARY KEY REFERENCES user_account (user_id),
    sealed       BYTEA NOT NULL,
    key_version  BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL
);

CREATE TABLE totp_recovery (
    user_id   BIGINT NOT NULL REFERENCES user_account (user_id),
    code_hash BYTEA NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE device_tag (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    tag       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, device_id, tag),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
CREATE INDEX device_tag_by_tag ON device_tag (tenant_id, tag);

-- A credential of the devices of a site or with a tag that have none of their own.
CREATE TABLE credential_profile (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    profile_id  BIGINT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    -- NULL: of every site, of every tag.
    site_id     BIGINT,
    tag         TEXT COLLATE "C",
    version     BIGINT NOT NULL,
    key_version BIGINT NOT NULL,
    sealed      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, profile_id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY (tenant_id, site_id) REFERENCES site (tenant_id, site_id)
);

-- What was changed and by whom; `hash` chains each row to the one before. Tenant 0 is the
-- installation's own chain, so there is no foreign key.
CREATE TABLE audit (
    tenant_id   BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    actor_kind  TEXT COLLATE "C" NOT NULL,
    actor_id    BIGINT NOT NULL,
    actor_name  TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    action      TEXT COLLATE "C" NOT NULL,
    object_kind TEXT COLLATE "C" NOT NULL,
    object_id   BIGINT NOT NULL,
    object_name TEXT COLLATE "C" NOT NULL,
    before      TEXT COLLATE "C",
    after       TEXT COLLATE "C",
    request_id  TEXT COLLATE "C" NOT NULL,
    hash        BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_by_time ON audit (tenant_id, at);

CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'audit rows never change and are never deleted'; END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    EXECUTE FUNCTION audit_refuses();

-- The end of each chain. Whoever raises it holds the tenant's lock until the commit.
CREATE TABLE audit_head (
    tenant_id BIGINT PRIMARY KEY,
    seq       BIGINT NOT NULL,
    hash      BYTEA NOT NULL
);
INSERT INTO audit_head (tenant_id, seq, hash) SELECT tenant_id, 0, ''::bytea FROM tenant;
INSERT INTO audit_head (tenant_id, seq, hash) VALUES (0, 0, ''::bytea);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'staff_grant', 'quota', 'device_tag', 'credential_profile', 'audit', 'audit_head']
    LOOP
        CALL tenant_table_lock(name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['quota', 'audit', 'audit_head'] LOOP
        CALL tenant_policy('ingest', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['staff_grant', 'quota', 'audit', 'audit_head'] LOOP
        CALL identity_policy(name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON device_tag, credential_profile TO farwatch_app;
-- A site where nothing is any more.
GRANT DELETE ON site TO farwatch_app;
GRANT SELECT, INSERT, UPDATE ON quota, audit_head TO farwatch_app;
GRANT SELECT, INSERT ON audit TO farwatch_app;
GRANT SELECT ON staff_grant TO farwatch_app;
GRANT SELECT (sources) ON api_key TO farwatch_app;

GRANT SELECT ON quota TO farwatch_ingest;
GRANT INSERT ON audit TO farwatch_ingest;
GRANT SELECT, INSERT, UPDATE ON audit_head TO farwatch_ingest;

GRANT SELECT ON quota TO farwatch_identity;
GRANT SELECT, INSERT ON audit TO farwatch_identity;
GRANT SELECT, INSERT, UPDATE ON audit_head, installation_key TO farwatch_identity;
GRANT DELETE ON installation_key TO farwatch_identity;
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_grant, user_totp, totp_recovery TO farwatch_identity;
