//! What has to be told, written in the transaction of the transition it tells of.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{
    AgentId, AlertId, ChannelId, DeviceId, IdGenerator, RuleId, SiteId, TenantId,
};

use super::message::Message;
use super::scope::Scope;
use crate::evaluate::severity::Severity;
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

/// Most notifications that wait for one channel; more are kept as failed, to be seen and not sent.
pub const QUEUED_MAX: i64 = 10_000;

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Firing,
    Resolved,
}

/// A transition of an alert that people may be told of.
#[derive(Clone, Debug)]
pub struct Transition<'a> {
    pub tenant: TenantId,
    pub alert: AlertId,
    /// Counts the transitions of the alert, from 1: what makes a delivery count once.
    pub number: u32,
    pub became: Became,
    pub rule: (RuleId, &'a str),
    pub severity: Severity,
    pub site: (SiteId, &'a str),
    pub agent: (AgentId, &'a str),
    /// `None`: it is about the agent itself.
    pub device: Option<(DeviceId, &'a str)>,
    /// The device's.
    pub tags: &'a BTreeSet<String>,
    /// The name of the object of the device; empty is the device itself.
    pub object: &'a str,
    /// One line: what is wrong, in words.
    pub summary: &'a str,
    /// Event times: wrong since, and of this transition.
    pub began_at: Micros,
    pub at: Micros,
}

// Which channels a transition may go to, and how many wait for each.
sql! { pub(crate) ROUTES =
    "SELECT r.channel_id, r.scope, (SELECT COUNT(*) FROM notification n
            WHERE n.channel_id = r.channel_id AND n.state = 'queued')
     FROM route r
     JOIN channel c ON c.tenant_id = r.tenant_id AND c.channel_id = r.channel_id
     WHERE r.tenant_id = $1 AND r.severity <= $2 AND c.enabled = 1
       AND ($3 = 0 OR r.on_resolved = 1)"
}
sql! { pub(crate) QUEUE =
    "INSERT INTO notification (tenant_id, notification_id, channel_id, alert_id, idempotency_key,
                               message, state, attempts, next_at, created_at, ended_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10)
     ON CONFLICT (tenant_id, idempotency_key) DO NOTHING"
}

/// Writes a notification for each channel that a route of the tenant leads the transition to; says
/// how many.
pub async fn enqueue(
    txn: &mut Txn,
    transition: &Transition<'_>,
    ids: &IdGenerator,
    now: Micros,
) -> Result<usize, StoreError> {
    let tenant = transition.tenant;
    let resolved = transition.became == Became::Resolved;
    let routes = ROUTES.bind(tenant).bind(transition.severity as i64).bind(resolved);
    let mut channels = BTreeMap::new();
    for row in routes.all(txn).await? {
        let corrupt = |_| StoreError::Corrupt { what: "the scope of a route".to_owned() };
        let scope: Scope = serde_json::from_str(&row.get::<String>(1)?).map_err(corrupt)?;
        if scope.holds(transition.site.0, transition.tags) {
            channels.insert(ChannelId(row.get(0)?), row.get::<i64>(2)?);
        }
    }
    if channels.is_empty() {
        return Ok(0);
    }
    let corrupt = |_| StoreError::Corrupt { what: "a message that is no JSON".to_owned() };
    let message = serde_json::to_string(&Message::of(transition)).map_err(corrupt)?;
    let mut queued = 0;
    for (channel, waiting) in channels {
        let key = idempotency_key(transition, channel);
        let full = waiting >= QUEUED_MAX;
        let state = if full { "failed" } else { "queued" };
        let queue = QUEUE.bind(tenant).bind(ids.next(now)).bind(channel.0).bind(transition.alert.0);
        let queue = queue.bind(key).bind(&message).bind(state).bind(now).bind(now);
        let new = queue.bind(full.then_some(now)).execute(txn).await?;
        queued += usize::from(new > 0 && !full);
    }
    Ok(queued)
}

/// The same for the same transition told to the same channel, however often it is written or sent.
fn idempotency_key(transition: &Transition<'_>, channel: ChannelId) -> String {
    format!("{}-{}-{channel}", transition.alert, transition.number)
}
