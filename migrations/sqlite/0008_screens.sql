-- Screens on the wall: each shows some tenants, and may read what it shows and nothing else.
CREATE TABLE wall_screen (
    screen_id   BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    -- JSON, a list of what it shows in turn.
    views       TEXT NOT NULL,
    every_s     BIGINT NOT NULL,
    -- 1: all there are, also those that come; only a super_admin makes one.
    all_tenants BIGINT NOT NULL,
    -- Who knows its link: it ends with them.
    made_by     BIGINT NOT NULL REFERENCES user_account (user_id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE wall_tenant (
    screen_id BIGINT NOT NULL REFERENCES wall_screen (screen_id) ON DELETE CASCADE,
    tenant_id BIGINT NOT NULL REFERENCES tenant (tenant_id) ON DELETE CASCADE,
    PRIMARY KEY (screen_id, tenant_id)
);
CREATE INDEX wall_tenant_by_tenant ON wall_tenant (tenant_id);

-- Views of the web UI that somebody gave a name.
CREATE TABLE user_view (
    user_id BIGINT NOT NULL REFERENCES user_account (user_id) ON DELETE CASCADE,
    place   BIGINT NOT NULL,
    name    TEXT NOT NULL,
    path    TEXT NOT NULL,
    PRIMARY KEY (user_id, place)
);

-- 1: made by `./x demo` and the like; everybody is told that its devices are simulated.
ALTER TABLE tenant ADD COLUMN demo BIGINT NOT NULL DEFAULT 0;
