-- Configurations of devices: how they are fetched, the jobs, and what came of them.

-- How the devices of a tenant are backed up. No row: the defaults.
CREATE TABLE backup_policy (
    tenant_id       BIGINT NOT NULL REFERENCES tenant (tenant_id),
    -- 0: only devices that say so themselves.
    enabled         INTEGER NOT NULL,
    every_s         INTEGER NOT NULL,
    -- Minutes of the day in UTC, the end not included; both NULL: at any time. From may be after to.
    window_from_min INTEGER,
    window_to_min   INTEGER,
    -- Jobs of one site at a time.
    per_site_max    INTEGER NOT NULL,
    -- A version goes when it is older than this, and only beyond this many of its device.
    keep_days       INTEGER NOT NULL,
    keep_versions   INTEGER NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);

-- How one device is, where it is not as the policy says, and what is known of it.
CREATE TABLE backup (
    tenant_id     BIGINT NOT NULL,
    device_id     BIGINT NOT NULL,
    -- NULL: as the policy says.
    enabled       INTEGER,
    port          INTEGER NOT NULL DEFAULT 22,
    -- '': it is recognised.
    platform      TEXT NOT NULL DEFAULT '',
    -- 1: algorithms that are broken are offered, too.
    legacy        INTEGER NOT NULL DEFAULT 0,
    -- 'SHA256:…', pinned by the first fetch; '': none yet.
    host_key      TEXT NOT NULL DEFAULT '',
    host_key_at   BIGINT,
    -- Another one that it has shown since.
    other_key     TEXT,
    other_key_at  BIGINT,
    -- 1: it was to be backed up when the schedule looked at it last.
    wanted        INTEGER NOT NULL DEFAULT 0,
    -- When the schedule looks at it next; NULL: at once; the largest number: never.
    next_at       BIGINT,
    -- Rises whenever it is to be looked at again.
    wishes        BIGINT NOT NULL DEFAULT 0,
    -- When something last hinted at a change.
    hinted_at     BIGINT,
    -- When its configuration was last fetched.
    fetched_at    BIGINT,
    -- The failure since then: its cause, and since when.
    failing       TEXT,
    failing_since BIGINT,
    PRIMARY KEY (tenant_id, device_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
CREATE INDEX backup_next ON backup (next_at);
CREATE INDEX backup_troubled ON backup (tenant_id, device_id)
    WHERE other_key IS NOT NULL OR failing IS NOT NULL;

CREATE TABLE config_job (
    tenant_id  BIGINT NOT NULL,
    job_id     BIGINT NOT NULL,
    device_id  BIGINT NOT NULL,
    site_id    BIGINT NOT NULL,
    -- Whose device it was when the agent took the job, until then when it was made.
    agent_id   BIGINT NOT NULL,
    -- What its agent was told, where the device is and which login, and its version then.
    host       TEXT,
    port       INTEGER,
    login      TEXT,
    agent_version TEXT,
    -- schedule, manual, hint.
    reason     TEXT NOT NULL,
    -- Who asked, as the audit names them; NULL: nobody did.
    asked_by   TEXT,
    -- queued, running, done, failed.
    state      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at   BIGINT,
    -- Of one that failed.
    cause      TEXT,
    advice     TEXT,
    -- Of one done: the version that it found, and whether that was new.
    version_id BIGINT,
    changed    INTEGER,
    -- Of an outcome that is under way: its bytes and their hash.
    bytes      BIGINT,
    hash       BLOB,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
-- One job of a device at a time.
CREATE UNIQUE INDEX config_job_open ON config_job (tenant_id, device_id)
    WHERE state IN ('queued', 'running');
CREATE INDEX config_job_queued ON config_job (agent_id, job_id) WHERE state = 'queued';
CREATE INDEX config_job_running ON config_job (tenant_id, site_id, agent_id) WHERE state = 'running';
CREATE INDEX config_job_by_device ON config_job (tenant_id, device_id, job_id);
CREATE INDEX config_job_by_change ON config_job (tenant_id, ended_at) WHERE changed = 1;
CREATE INDEX config_job_by_time ON config_job (tenant_id, created_at);

-- Parts of outcomes that are under way.
CREATE TABLE config_part (
    tenant_id BIGINT NOT NULL,
    job_id    BIGINT NOT NULL,
    start     BIGINT NOT NULL,
    data      BLOB NOT NULL,
    PRIMARY KEY (tenant_id, job_id, start),
    FOREIGN KEY (tenant_id, job_id) REFERENCES config_job (tenant_id, job_id) ON DELETE CASCADE
);

-- What a configuration was for a while.
CREATE TABLE config_version (
    tenant_id   BIGINT NOT NULL,
    version_id  BIGINT NOT NULL,
    device_id   BIGINT NOT NULL,
    -- That found it.
    job_id      BIGINT NOT NULL,
    -- When it was first and last fetched, by the collector's clock.
    first_at    BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    platform    TEXT NOT NULL,
    -- JSON, a list of lines.
    facts       TEXT NOT NULL,
    -- BLAKE3 of its text, and of what of it is a reason for a version.
    hash        BLOB NOT NULL,
    significant BLOB NOT NULL,
    lines       INTEGER NOT NULL,
    -- Against the version before.
    added       INTEGER NOT NULL,
    removed     INTEGER NOT NULL,
    -- Zstd and then sealed by the agent, and the key of that, sealed under the tenant's key.
    raw         BLOB NOT NULL,
    raw_bytes   BIGINT NOT NULL,
    raw_key     BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, version_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
CREATE INDEX config_version_by_device ON config_version (tenant_id, device_id, version_id);
CREATE INDEX config_version_by_hash ON config_version (tenant_id, hash);

-- Texts by their BLAKE3, zstd.
CREATE TABLE config_text (
    tenant_id BIGINT NOT NULL REFERENCES tenant (tenant_id),
    hash      BLOB NOT NULL,
    bytes     BIGINT NOT NULL,
    packed    BLOB NOT NULL,
    PRIMARY KEY (tenant_id, hash)
);
