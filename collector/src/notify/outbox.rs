//! What has to be told, written in the transaction of the transition it tells of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{
    AgentId, AlertId, ChannelId, DeviceId, IdGenerator, RuleId, SiteId, TenantId,
};

use super::message::Message;
use super::scope::Scope;
use crate::evaluate::seen::Seen;
use crate::evaluate::severity::Severity;
use crate::store::sql::{Row, sql};
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
    /// The object of the device, and what it is called; either may be empty.
    pub object: (&'a str, &'a str),
    /// One line: what is wrong, in words.
    pub summary: &'a str,
    /// What was wrong last.
    pub wrong: &'a Seen,
    /// Event times: wrong since, fired, and of this transition.
    pub began_at: Micros,
    pub fired_at: Option<Micros>,
    pub at: Micros,
    /// Where the web UI is, without a slash at its end.
    pub web: Option<&'a str>,
}

sql! { pub(crate) ROUTES =
    "SELECT r.channel_id, r.severity, r.scope, r.on_resolved FROM route r
     JOIN channel c ON c.tenant_id = r.tenant_id AND c.channel_id = r.channel_id
     WHERE r.tenant_id = $1 AND c.enabled = 1"
}
// Who was told that it fires, whatever the routes are now; not those for whom there was no room.
sql! { pub(crate) HEARD =
    "SELECT DISTINCT n.channel_id FROM notification n
     JOIN channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
     WHERE n.tenant_id = $1 AND n.alert_id = $2 AND n.on_resolved = 1 AND c.enabled = 1
       AND (n.state <> 'failed' OR n.attempts > 0)"
}
sql! { pub(crate) QUEUED =
    "SELECT COUNT(*) FROM (SELECT 1 FROM notification n
                           WHERE n.channel_id = $1 AND n.state = 'queued' LIMIT $2) q"
}
sql! { pub(crate) QUEUE =
    "INSERT INTO notification (tenant_id, notification_id, channel_id, alert_id, idempotency_key,
                               message, state, attempts, next_at, created_at, ended_at, on_resolved)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11)
     ON CONFLICT (tenant_id, idempotency_key) DO NOTHING"
}

/// What a transaction that tells much has read: once, however much it tells.
#[derive(Debug, Default)]
pub(crate) struct Known {
    routes: BTreeMap<TenantId, Arc<[Lead]>>,
    queued: BTreeMap<ChannelId, i64>,
}

/// Where a route leads.
#[derive(Debug)]
struct Lead {
    channel: ChannelId,
    severity: i64,
    scope: Scope,
    on_resolved: bool,
}

/// A notification that is to be written.
pub(super) struct New {
    pub(super) tenant: TenantId,
    pub(super) channel: ChannelId,
    /// `None`: it is about a channel.
    pub(super) alert: Option<AlertId>,
    pub(super) key: String,
    pub(super) on_resolved: bool,
}

/// Writes a notification for each channel that is to be told of the transition: of a firing those
/// that a route leads it to, of its end those that were told of the firing. Says how many.
pub async fn enqueue(
    txn: &mut Txn,
    transition: &Transition<'_>,
    ids: &IdGenerator,
    now: Micros,
) -> Result<usize, StoreError> {
    let channels = match transition.became {
        Became::Firing => led_to(txn, transition).await?,
        Became::Resolved => heard(txn, transition).await?,
    };
    if channels.is_empty() {
        return Ok(0);
    }
    let corrupt = |_| StoreError::Corrupt { what: "a message that is no JSON".to_owned() };
    let message = serde_json::to_string(&Message::of(transition)).map_err(corrupt)?;
    let mut queued = 0;
    for (channel, on_resolved) in channels {
        let (tenant, alert) = (transition.tenant, Some(transition.alert));
        let key = idempotency_key(transition, channel);
        let new = New { tenant, channel, alert, key, on_resolved };
        queued += usize::from(queue(txn, ids, new, &message, now).await?);
    }
    Ok(queued)
}

/// Writes it, as failed if too much waits for its channel; says whether it waits now.
pub(super) async fn queue(
    txn: &mut Txn,
    ids: &IdGenerator,
    new: New,
    message: &str,
    now: Micros,
) -> Result<bool, StoreError> {
    let channel = new.channel;
    let waiting = match txn.known().queued.get(&channel) {
        Some(&waiting) => waiting,
        None => QUEUED.bind(channel.0).bind(QUEUED_MAX).scalar(txn).await?,
    };
    let full = waiting >= QUEUED_MAX;
    let state = if full { "failed" } else { "queued" };
    let alert = new.alert.map(|alert| alert.0);
    let queue = QUEUE.bind(new.tenant).bind(ids.next(now)).bind(channel.0).bind(alert);
    let queue = queue.bind(new.key).bind(message).bind(state).bind(now).bind(now);
    let queue = queue.bind(full.then_some(now)).bind(new.on_resolved);
    let waits = queue.execute(txn).await? > 0 && !full;
    txn.known().queued.insert(channel, waiting + i64::from(waits));
    Ok(waits)
}

/// The channels that routes lead it to, and whether they are to be told of its end.
async fn led_to(
    txn: &mut Txn,
    transition: &Transition<'_>,
) -> Result<BTreeMap<ChannelId, bool>, StoreError> {
    let leads = leads(txn, transition.tenant).await?;
    let mut channels = BTreeMap::new();
    for lead in leads.iter().filter(|lead| lead.severity <= transition.severity as i64) {
        if lead.scope.holds(transition.site.0, transition.tags) {
            *channels.entry(lead.channel).or_insert(false) |= lead.on_resolved;
        }
    }
    Ok(channels)
}

async fn leads(txn: &mut Txn, tenant: TenantId) -> Result<Arc<[Lead]>, StoreError> {
    if let Some(leads) = txn.known().routes.get(&tenant) {
        return Ok(Arc::clone(leads));
    }
    let one = |row: &Row| {
        let corrupt = |_| StoreError::Corrupt { what: "the scope of a route".to_owned() };
        let scope = serde_json::from_str(&row.get::<String>(2)?).map_err(corrupt)?;
        let channel = ChannelId(row.get(0)?);
        Ok(Lead { channel, severity: row.get(1)?, scope, on_resolved: row.get(3)? })
    };
    let rows = ROUTES.bind(tenant).all(txn).await?;
    let leads: Arc<[Lead]> = rows.iter().map(one).collect::<Result<_, StoreError>>()?;
    txn.known().routes.insert(tenant, Arc::clone(&leads));
    Ok(leads)
}

/// The channels that were told that it fires, of which a route wanted to hear the end.
async fn heard(
    txn: &mut Txn,
    transition: &Transition<'_>,
) -> Result<BTreeMap<ChannelId, bool>, StoreError> {
    let rows = HEARD.bind(transition.tenant).bind(transition.alert.0).all(txn).await?;
    rows.iter().map(|row| Ok((ChannelId(row.get(0)?), false))).collect()
}

/// The same for the same transition told to the same channel, however often it is written or sent.
fn idempotency_key(transition: &Transition<'_>, channel: ChannelId) -> String {
    format!("{}-{}-{channel}", transition.alert, transition.number)
}
