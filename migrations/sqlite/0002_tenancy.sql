-- Staff and grants, sessions that can be listed, second factors, quotas, tags, credential profiles,
-- and the audit.

ALTER TABLE user_account ADD COLUMN password_changed_at BIGINT;
-- Of the provider: may be granted into tenants.
ALTER TABLE user_account ADD COLUMN staff INTEGER NOT NULL DEFAULT 0;

-- Which master key wraps it; NULL is the first.
ALTER TABLE tenant_key ADD COLUMN master_id BLOB;

-- Networks that a key may come from, comma-separated CIDRs; NULL is from anywhere.
ALTER TABLE api_key ADD COLUMN sources TEXT;

-- NULL in a session from before this migration.
ALTER TABLE web_session ADD COLUMN session_id BIGINT;
ALTER TABLE web_session ADD COLUMN address TEXT;
ALTER TABLE web_session ADD COLUMN agent TEXT;
CREATE UNIQUE INDEX web_session_by_id ON web_session (session_id);

CREATE INDEX enroll_token_by_site ON enroll_token (tenant_id, site_id);

-- The installation's own key: seals what belongs to no tenant.
CREATE TABLE installation_key (
    version     INTEGER PRIMARY KEY,
    wrapped_key BLOB NOT NULL,
    master_id   BLOB,
    created_at  BIGINT NOT NULL
);

-- A person of the provider in a tenant, for a reason and for a while: 8 hours at most.
CREATE TABLE staff_grant (
    tenant_id  BIGINT NOT NULL REFERENCES tenant (tenant_id),
    grant_id   BIGINT NOT NULL,
    user_id    BIGINT NOT NULL REFERENCES user_account (user_id),
    role       TEXT NOT NULL,
    reason     TEXT NOT NULL CHECK (length(reason) >= 3),
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
    sealed       BLOB NOT NULL,
    key_version  INTEGER NOT NULL,
    confirmed_at BIGINT,
    last_step    BIGINT NOT NULL DEFAULT 0,
    created_at   BIGINT NOT NULL
);

CREATE TABLE totp_recovery (
    user_id   BIGINT NOT NULL REFERENCES user_account (user_id),
    code_hash BLOB NOT NULL,
    used_at   BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE device_tag (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    tag       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, tag),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
CREATE INDEX device_tag_by_tag ON device_tag (tenant_id, tag);

-- A credential of the devices of a site or with a tag that have none of their own.
CREATE TABLE credential_profile (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    profile_id  BIGINT NOT NULL,
    name        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    -- NULL: of every site, of every tag.
    site_id     BIGINT,
    tag         TEXT,
    version     INTEGER NOT NULL,
    key_version INTEGER NOT NULL,
    sealed      BLOB NOT NULL,
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
    actor_kind  TEXT NOT NULL,
    actor_id    BIGINT NOT NULL,
    actor_name  TEXT NOT NULL,
    address     TEXT NOT NULL,
    action      TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id   BIGINT NOT NULL,
    object_name TEXT NOT NULL,
    before      TEXT,
    after       TEXT,
    request_id  TEXT NOT NULL,
    hash        BLOB NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX audit_by_time ON audit (tenant_id, at);
CREATE TRIGGER audit_stays_unchanged BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows never change');
END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never deleted');
END;

-- The end of each chain. Whoever raises it holds the tenant's lock until the commit.
CREATE TABLE audit_head (
    tenant_id BIGINT PRIMARY KEY,
    seq       BIGINT NOT NULL,
    hash      BLOB NOT NULL
);
INSERT INTO audit_head (tenant_id, seq, hash) SELECT tenant_id, 0, x'' FROM tenant;
INSERT INTO audit_head (tenant_id, seq, hash) VALUES (0, 0, x'');
