-- SNMPv3 and echo requests: how a device is asked, what a credential may show of itself, and the
-- objects beside the interfaces.

-- 1: no echo requests.
ALTER TABLE device ADD COLUMN ping_off INTEGER NOT NULL DEFAULT 0;
-- 1: an answer from another address than was asked is not taken.
ALTER TABLE device ADD COLUMN strict_source INTEGER NOT NULL DEFAULT 0;
-- Least time between two questions.
ALTER TABLE device ADD COLUMN request_gap_ms INTEGER NOT NULL DEFAULT 0;

-- Where its SNMP answers come from, if not from its address.
ALTER TABLE device ADD COLUMN answers_from TEXT;

-- JSON of what is no secret of it: the user's name, the protocols, the context. NULL: nothing.
ALTER TABLE credential ADD COLUMN about TEXT;
ALTER TABLE credential_profile ADD COLUMN about TEXT;

-- What the last table of each group said: processors, memory, disks, sensors, parts.
CREATE TABLE device_object (
    tenant_id         BIGINT NOT NULL,
    device_id         BIGINT NOT NULL,
    -- Number of the group, 0 for parts.
    grp               BIGINT NOT NULL,
    object            TEXT NOT NULL,
    name              TEXT NOT NULL,
    kind              TEXT NOT NULL,
    description       TEXT NOT NULL,
    parent            TEXT NOT NULL,
    vendor            TEXT NOT NULL,
    model             TEXT NOT NULL,
    serial            TEXT NOT NULL,
    hardware_revision TEXT NOT NULL,
    firmware_revision TEXT NOT NULL,
    software_revision TEXT NOT NULL,
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
