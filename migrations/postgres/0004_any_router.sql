-- SNMPv3 and echo requests: how a device is asked, what a credential may show of itself, and the
-- objects beside the interfaces.

-- 1: no echo requests.
ALTER TABLE device ADD COLUMN ping_off BIGINT NOT NULL DEFAULT 0;
-- 1: an answer from another address than was asked is not taken.
ALTER TABLE device ADD COLUMN strict_source BIGINT NOT NULL DEFAULT 0;
-- Least time between two questions.
ALTER TABLE device ADD COLUMN request_gap_ms BIGINT NOT NULL DEFAULT 0;

-- Where its SNMP answers come from, if not from its address.
ALTER TABLE device ADD COLUMN answers_from TEXT COLLATE "C";

-- JSON of what is no secret of it: the user's name, the protocols, the context. NULL: nothing.
ALTER TABLE credential ADD COLUMN about TEXT COLLATE "C";
ALTER TABLE credential_profile ADD COLUMN about TEXT COLLATE "C";

-- What the last table of each group said: processors, memory, disks, sensors, parts.
CREATE TABLE device_object (
    tenant_id         BIGINT NOT NULL,
    device_id         BIGINT NOT NULL,
    -- Number of the group, 0 for parts.
    grp               BIGINT NOT NULL,
    object            TEXT COLLATE "C" NOT NULL,
    name              TEXT COLLATE "C" NOT NULL,
    kind              TEXT COLLATE "C" NOT NULL,
    description       TEXT COLLATE "C" NOT NULL,
    parent            TEXT COLLATE "C" NOT NULL,
    vendor            TEXT COLLATE "C" NOT NULL,
    model             TEXT COLLATE "C" NOT NULL,
    serial            TEXT COLLATE "C" NOT NULL,
    hardware_revision TEXT COLLATE "C" NOT NULL,
    firmware_revision TEXT COLLATE "C" NOT NULL,
    software_revision TEXT COLLATE "C" NOT NULL,
    seen_at           BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, grp, object),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);

-- When the last table of each group was learned, also of one that is empty: an older one that comes
-- late changes nothing.
CREATE TABLE device_table (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    -- Number of the group, 0 for parts, 2 for interfaces.
    grp       BIGINT NOT NULL,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, grp),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);
INSERT INTO device_table (tenant_id, device_id, grp, seen_at)
    SELECT tenant_id, device_id, 2, max(seen_at) FROM interface GROUP BY tenant_id, device_id;

CALL tenant_table_lock('device_object');
CALL tenant_policy('ingest', 'device_object');
GRANT SELECT ON device_object TO farwatch_app;
GRANT SELECT, INSERT, DELETE ON device_object TO farwatch_ingest;
CALL tenant_table_lock('device_table');
CALL tenant_policy('ingest', 'device_table');
GRANT SELECT ON device_table TO farwatch_app;
GRANT SELECT, INSERT, UPDATE ON device_table TO farwatch_ingest;
GRANT UPDATE (answers_from) ON device TO farwatch_ingest;
