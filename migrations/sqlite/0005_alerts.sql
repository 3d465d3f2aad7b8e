-- Alerts: what is looked for, what was found, who is told of it, and how that went.

-- 1: the tenant was given the rules that every tenant begins with, and may have deleted them.
ALTER TABLE tenant ADD COLUMN rules_given INTEGER NOT NULL DEFAULT 0;

CREATE TABLE alert_rule (
    tenant_id       BIGINT NOT NULL REFERENCES tenant (tenant_id),
    rule_id         BIGINT NOT NULL,
    name            TEXT NOT NULL,
    -- 1 info, 2 warning, 3 critical.
    severity        INTEGER NOT NULL,
    enabled         INTEGER NOT NULL,
    -- JSON: sites and tags; empty is all that the tenant has.
    scope           TEXT NOT NULL,
    -- JSON: what is looked at, and when it is wrong.
    condition       TEXT NOT NULL,
    -- How long it has to be wrong before the alert fires, and to be well before it is resolved.
    for_s           INTEGER NOT NULL,
    resolve_after_s INTEGER NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE alert (
    tenant_id      BIGINT NOT NULL REFERENCES tenant (tenant_id),
    alert_id       BIGINT NOT NULL,
    rule_id        BIGINT NOT NULL,
    -- As they were when it fired: a rule may be edited or deleted meanwhile.
    rule_name      TEXT NOT NULL,
    severity       INTEGER NOT NULL,
    site_id        BIGINT NOT NULL,
    agent_id       BIGINT NOT NULL,
    -- NULL: it is about the agent itself.
    device_id      BIGINT,
    -- Of the device; '' is the device itself.
    object         TEXT NOT NULL,
    -- What the object was called; '' is without a name.
    object_name    TEXT NOT NULL DEFAULT '',
    -- pending, firing, resolved.
    phase          TEXT NOT NULL,
    cause          TEXT,
    -- Event times: wrong since, fired, told of last, well since, resolved.
    began_at       BIGINT NOT NULL,
    fired_at       BIGINT,
    last_at        BIGINT NOT NULL,
    well_at        BIGINT,
    resolved_at    BIGINT,
    -- JSON: the rule as it was, and the readings that led to it.
    evidence       TEXT NOT NULL,
    -- Transitions that people were told of: part of what makes a delivery count once.
    told           INTEGER NOT NULL DEFAULT 0,
    acked_at       BIGINT,
    -- In the words in which it is kept: names change, rows do not.
    acked_by       TEXT,
    ack_note       TEXT,
    silenced_until BIGINT,
    -- By the collector's clock.
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, alert_id)
);
-- One open alert of a rule about the same thing.
CREATE UNIQUE INDEX alert_open ON alert (tenant_id, rule_id, agent_id, coalesce(device_id, 0), object)
    WHERE phase <> 'resolved';
CREATE INDEX alert_by_time ON alert (tenant_id, created_at);
CREATE INDEX alert_by_end ON alert (tenant_id, resolved_at) WHERE phase = 'resolved';
CREATE INDEX alert_by_device ON alert (tenant_id, device_id, created_at);
-- All alerts about one thing, by their rule.
CREATE INDEX alert_by_thing ON alert (tenant_id, rule_id, agent_id, device_id, object, alert_id);

-- What became of an alert, and what people did with it.
CREATE TABLE alert_event (
    tenant_id BIGINT NOT NULL,
    alert_id  BIGINT NOT NULL,
    event_id  BIGINT NOT NULL,
    -- By the collector's clock.
    at        BIGINT NOT NULL,
    -- fired, resolved, acked, unacked, silenced, unsilenced.
    kind      TEXT NOT NULL,
    -- Of what people did: who, as the audit names them, and until when it is silent.
    actor_kind TEXT,
    actor_id   BIGINT,
    actor_name TEXT,
    until      BIGINT,
    note      TEXT,
    PRIMARY KEY (tenant_id, alert_id, event_id),
    FOREIGN KEY (tenant_id, alert_id) REFERENCES alert (tenant_id, alert_id) ON DELETE CASCADE
);

-- Firings that nobody was told of.
CREATE INDEX alert_event_silent ON alert_event (tenant_id, alert_id) WHERE note = 'silent';

-- How the states of devices changed, for their timelines.
CREATE TABLE device_state (
    tenant_id BIGINT NOT NULL,
    device_id BIGINT NOT NULL,
    -- Event time; the collector's where nobody can tell.
    at        BIGINT NOT NULL,
    -- up, degraded, down, unknown.
    state     TEXT NOT NULL,
    -- NULL: nothing was known before.
    was       TEXT,
    PRIMARY KEY (tenant_id, device_id, at),
    FOREIGN KEY (tenant_id, device_id) REFERENCES device (tenant_id, device_id) ON DELETE CASCADE
);

-- Where people are told.
CREATE TABLE channel (
    tenant_id   BIGINT NOT NULL REFERENCES tenant (tenant_id),
    channel_id  BIGINT NOT NULL,
    name        TEXT NOT NULL,
    -- email, webhook, slack, mqtt.
    kind        TEXT NOT NULL,
    enabled     INTEGER NOT NULL,
    -- JSON of what is no secret of it.
    settings    TEXT NOT NULL,
    -- Its secrets, sealed under the tenant's key; AAD names tenant, channel and version.
    sealed      BLOB,
    version     INTEGER NOT NULL,
    key_version INTEGER NOT NULL,
    -- Since when it takes nothing; NULL: what was sent last was delivered.
    failing_since BIGINT,
    -- The failing_since that the tenant's other channels were told of.
    failing_told BIGINT,
    -- When a notification was given up last.
    gave_up_at  BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, channel_id),
    UNIQUE (tenant_id, name)
);

-- Which alerts go where: every route that matches counts.
CREATE TABLE route (
    tenant_id    BIGINT NOT NULL,
    route_id     BIGINT NOT NULL,
    channel_id   BIGINT NOT NULL,
    -- Least severity.
    severity     INTEGER NOT NULL,
    -- JSON: sites and tags; empty is all that the tenant has.
    scope        TEXT NOT NULL,
    -- 1: also when an alert is resolved.
    on_resolved  INTEGER NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, route_id),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES channel (tenant_id, channel_id) ON DELETE CASCADE
);

-- What has to reach a channel: written in the transaction of the transition it tells of.
CREATE TABLE notification (
    tenant_id       BIGINT NOT NULL,
    notification_id BIGINT NOT NULL,
    channel_id      BIGINT NOT NULL,
    -- NULL: a test, or about another channel.
    alert_id        BIGINT,
    -- The same for every attempt, and for the same transition told to the same channel.
    idempotency_key TEXT NOT NULL,
    -- JSON, as it was at the transition.
    message         TEXT NOT NULL,
    -- queued, delivered, failed.
    state           TEXT NOT NULL,
    -- Counted before it is sent.
    attempts        INTEGER NOT NULL,
    -- While it is claimed: when the claim is void.
    next_at         BIGINT NOT NULL,
    -- 1: it is being sent, or was when the collector died.
    claimed         INTEGER NOT NULL DEFAULT 0,
    -- 1: who is told of this firing is told of its end.
    on_resolved     INTEGER NOT NULL DEFAULT 0,
    -- JSON: receivers of mail that are still to be told; NULL: all of the channel.
    receivers       TEXT,
    created_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    PRIMARY KEY (tenant_id, notification_id),
    UNIQUE (tenant_id, idempotency_key),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES channel (tenant_id, channel_id) ON DELETE CASCADE
);
CREATE INDEX notification_due ON notification (channel_id, next_at) WHERE state = 'queued';
CREATE INDEX notification_first ON notification (tenant_id, channel_id, notification_id)
    WHERE state = 'queued';
CREATE INDEX notification_claimed ON notification (tenant_id) WHERE claimed = 1;
CREATE INDEX notification_ended ON notification (tenant_id, created_at) WHERE state <> 'queued';
CREATE INDEX notification_by_channel ON notification (tenant_id, channel_id, notification_id);
CREATE INDEX notification_by_alert ON notification (tenant_id, alert_id);

-- Each attempt, and how it ended.
CREATE TABLE delivery (
    tenant_id       BIGINT NOT NULL,
    notification_id BIGINT NOT NULL,
    attempt         INTEGER NOT NULL,
    at              BIGINT NOT NULL,
    took_ms         INTEGER NOT NULL,
    -- delivered, refused, unreachable, timeout, forbidden, broken.
    outcome         TEXT NOT NULL,
    -- The status of the answer, where the channel has one.
    status          INTEGER,
    detail          TEXT NOT NULL,
    PRIMARY KEY (tenant_id, notification_id, attempt),
    FOREIGN KEY (tenant_id, notification_id)
        REFERENCES notification (tenant_id, notification_id) ON DELETE CASCADE
);
