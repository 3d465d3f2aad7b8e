//! Alerts as people see them: the newest first, one with why it fired, and what became of it.

pub mod change;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, RuleId, SiteId, TenantId};

use super::rule::Written;
use super::seen::Seen;
use super::severity::Severity;
use super::store::{Evidence, UNKNOWN};
use super::words::summary;
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, Listed, Named, like, tenant_set};
use crate::store::sql::{Query, Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};

/// What happened with one alert, as far as it is shown: the newest.
const HISTORY_MAX: u32 = 200;

/// How an alert stands. Names are those of now, where the thing is still there.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    pub id: AlertId,
    pub tenant: Named<TenantId>,
    /// By the name it had when the alert began.
    pub rule: Named<RuleId>,
    pub severity: Severity,
    pub site: Named<SiteId>,
    pub agent: Named<AgentId>,
    /// `None`: it is about the agent itself.
    pub device: Option<Named<DeviceId>>,
    pub object: String,
    /// What the object was called; empty is without a name.
    pub object_name: String,
    /// `pending`, `firing` or `resolved`.
    pub phase: String,
    /// Why it ended, if not because it is well.
    pub cause: Option<String>,
    /// It is open, and nobody can tell how it is now.
    pub unknown: bool,
    pub summary: String,
    /// The last that was wrong.
    pub wrong: Seen,
    /// Event times: wrong since, fired, told of last, well since, resolved.
    pub began_at: Micros,
    pub fired_at: Option<Micros>,
    pub last_at: Micros,
    pub well_at: Option<Micros>,
    pub resolved_at: Option<Micros>,
    pub acked: Option<Acked>,
    pub silenced_until: Option<Micros>,
    /// The rule as it was.
    pub as_it_was: Written,
    /// Event times and what was read then, the oldest first.
    pub samples: Vec<(Micros, Seen)>,
}

/// Who looks after an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    pub at: Micros,
    pub by: String,
    pub note: Option<String>,
}

/// Something that happened with an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// By the collector's clock.
    pub at: Micros,
    /// `fired`, `resolved`, `acked`, `unacked`, `silenced` or `unsilenced`.
    pub kind: String,
    /// Kind, id and name of who did it; `None` of what came by itself.
    pub who: Option<(String, i64, String)>,
    pub note: Option<String>,
    pub until: Option<Micros>,
}

/// Which alerts are wanted, besides the caller's tenants.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    /// `open` (not resolved), `pending`, `firing` or `resolved`; empty: all.
    pub phase: &'static str,
    pub severity: Option<Severity>,
    pub site: Option<SiteId>,
    pub device: Option<DeviceId>,
    pub agent: Option<AgentId>,
    pub rule: Option<RuleId>,
    /// About the agent itself, not about a device.
    pub of_agent: bool,
    /// Part of the name of a rule, site, agent, device or object; capitals do not matter.
    pub search: String,
}

/// Which part of the list is wanted: the newest first, those before an id.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    pub id: Option<i64>,
    pub limit: u32,
}

macro_rules! from_alert {
    () => {
        concat!(
            " FROM alert a JOIN tenant t ON t.tenant_id = a.tenant_id
              LEFT JOIN site s ON s.tenant_id = a.tenant_id AND s.site_id = a.site_id
              LEFT JOIN agent g ON g.tenant_id = a.tenant_id AND g.agent_id = a.agent_id
              LEFT JOIN device d ON d.tenant_id = a.tenant_id AND d.device_id = a.device_id
              WHERE a.tenant_id IN ",
            tenant_set!()
        )
    };
}

macro_rules! select_alert {
    () => {
        concat!(
            "SELECT a.alert_id, t.tenant_id, t.name, a.rule_id, a.rule_name, a.severity,
                    a.site_id, s.name, a.agent_id, g.name, a.device_id, d.name, a.object, a.phase,
                    a.cause, a.began_at, a.fired_at, a.last_at, a.well_at, a.resolved_at,
                    a.evidence, a.acked_at, a.acked_by, a.ack_note, a.silenced_until, a.object_name",
            from_alert!()
        )
    };
}

macro_rules! wanted {
    () => {
        " AND ($2 = '' OR a.phase = $2 OR ($2 = 'open' AND a.phase <> 'resolved'))
          AND ($3 = 0 OR a.severity = $3) AND ($4 = 0 OR a.site_id = $4)
          AND ($5 = 0 OR a.device_id = $5)
          AND ($6 = '' OR lower(a.rule_name) LIKE $6 ESCAPE '\\'
               OR lower(a.object) LIKE $6 ESCAPE '\\'
               OR lower(a.object_name) LIKE $6 ESCAPE '\\'
               OR lower(COALESCE(s.name, '')) LIKE $6 ESCAPE '\\'
               OR lower(COALESCE(g.name, '')) LIKE $6 ESCAPE '\\'
               OR lower(COALESCE(d.name, '')) LIKE $6 ESCAPE '\\')
          AND ($7 = 0 OR a.agent_id = $7) AND ($8 = 0 OR a.rule_id = $8)
          AND ($9 = 0 OR a.device_id IS NULL)"
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*)", from_alert!(), wanted!() }
// Ids rise with time.
sql! { pub(crate) PAGE =
    select_alert!(), wanted!(), " AND a.alert_id < $10 ORDER BY a.alert_id DESC LIMIT $11"
}
sql! { pub(crate) ENDED =
    select_alert!(),
    " AND a.phase = 'resolved' AND a.resolved_at >= $2
      AND ($3 = 0 OR a.agent_id = $3) AND ($4 = 0 OR a.device_id IS NULL)
      ORDER BY a.resolved_at DESC, a.alert_id DESC LIMIT $5"
}
sql! { pub(crate) GET = select_alert!(), " AND a.alert_id = $2" }
sql! { pub(crate) AMONG =
    select_alert!(), " AND a.alert_id IN (SELECT value FROM json_each($2)) ORDER BY a.alert_id"
}

// One that was never told of is nothing that happened.
sql! { pub(crate) BETWEEN =
    select_alert!(),
    " AND a.device_id = $2 AND ((a.fired_at >= $3 AND a.fired_at < $4) OR (
          a.fired_at IS NOT NULL AND a.resolved_at >= $3 AND a.resolved_at < $4))
      ORDER BY CASE WHEN a.resolved_at >= $3 AND a.resolved_at < $4 THEN a.resolved_at
                    ELSE a.fired_at END DESC, a.alert_id DESC LIMIT $5"
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let unknown = || StoreError::Corrupt { what: "the severity of an alert".to_owned() };
    let evidence: Evidence = serde_json::from_str(&row.get::<String>(20)?).map_err(corrupt)?;
    let time = |index| Ok::<_, StoreError>(row.get::<Option<i64>>(index)?.map(Micros));
    let now_called = |index| row.get::<Option<String>>(index);
    let device = row.get::<Option<i64>>(10)?.map(DeviceId);
    let object: String = row.get(12)?;
    // The evidence names what the alert is about, as it was called then.
    let mut called = now_called(9)?.unwrap_or_default();
    let device = match device {
        Some(id) => {
            let name = now_called(11)?.unwrap_or_else(|| evidence.name.clone());
            Some(Named { id, name })
        }
        None if called.is_empty() => {
            called.clone_from(&evidence.name);
            None
        }
        None => None,
    };
    let about = device.as_ref().map_or(&called, |device| &device.name);
    let object_name: String = row.get(25)?;
    let part = (&*object, &*object_name);
    let summary = summary(about, part, &evidence.rule.condition, &evidence.wrong);
    let (cause, not_known) = match row.get::<Option<String>>(14)? {
        Some(cause) if cause == UNKNOWN => (None, true),
        cause => (cause, false),
    };
    let acked = match time(21)? {
        None => None,
        Some(at) => {
            let by = row.get::<Option<String>>(22)?.unwrap_or_default();
            Some(Acked { at, by, note: row.get(23)? })
        }
    };
    let samples = evidence.samples.into_iter().map(|(at, seen)| (Micros(at), seen)).collect();
    Ok(Alert {
        id: AlertId(row.get(0)?),
        tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
        rule: Named { id: RuleId(row.get(3)?), name: row.get(4)? },
        severity: Severity::from_number(row.get(5)?).ok_or_else(unknown)?,
        site: Named { id: SiteId(row.get(6)?), name: now_called(7)?.unwrap_or_default() },
        agent: Named { id: AgentId(row.get(8)?), name: called },
        device,
        object,
        object_name,
        phase: row.get(13)?,
        cause,
        unknown: not_known,
        summary,
        wrong: evidence.wrong,
        began_at: Micros(row.get(15)?),
        fired_at: time(16)?,
        last_at: Micros(row.get(17)?),
        well_at: time(18)?,
        resolved_at: time(19)?,
        acked,
        silenced_until: time(24)?,
        as_it_was: evidence.rule,
        samples,
    })
}

/// A page of the alerts that match, the newest first, and how many match.
pub async fn alert_list(
    db: &Database,
    context: &TenantContext,
    filter: &AlertFilter,
    before: Before,
) -> Result<Listed<Alert>, InventoryError> {
    let wanted = |sql: &'static Sql| -> Query {
        let severity = filter.severity.map_or(0, |severity| severity as i64);
        let query = sql.bind(context.tenants_json()).bind(filter.phase).bind(severity);
        let query = query.bind(filter.site.map_or(0, |id| id.0));
        let query = query.bind(filter.device.map_or(0, |id| id.0)).bind(like(&filter.search));
        let query = query.bind(filter.agent.map_or(0, |id| id.0));
        let query = query.bind(filter.rule.map_or(0, |id| id.0));
        query.bind(filter.of_agent)
    };
    let mut txn = db.read(context).await?;
    let total: i64 = wanted(&TOTAL).scalar(&mut txn).await?;
    let page = wanted(&PAGE).bind(before.id.unwrap_or(i64::MAX)).bind(before.limit);
    Ok(Listed::read(&page.all(&mut txn).await?, total, read)?)
}

/// Alerts that were resolved from a time on, those that ended last first. Costs what it tells, however long
/// the history is.
pub async fn alerts_ended(
    db: &Database,
    context: &TenantContext,
    from: Micros,
    (agent, of_agent): (Option<AgentId>, bool),
    limit: u32,
) -> Result<Vec<Alert>, StoreError> {
    let ended = ENDED.bind(context.tenants_json()).bind(from).bind(agent.map_or(0, |id| id.0));
    let rows = ended.bind(of_agent).bind(limit).all(&mut db.read(context).await?).await?;
    rows.iter().map(read).collect()
}

/// Alerts of a device that fired or were resolved from a time on, up to but without another; those
/// with the newest of that.
pub async fn alerts_between(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    (from, to): (Micros, Micros),
    limit: u32,
) -> Result<Vec<Alert>, StoreError> {
    let between = BETWEEN.bind(context.tenants_json()).bind(device).bind(from).bind(to);
    let rows = between.bind(limit).all(&mut db.read(context).await?).await?;
    rows.iter().map(read).collect()
}

pub async fn alert_get(
    db: &Database,
    context: &TenantContext,
    id: AlertId,
) -> Result<Alert, InventoryError> {
    let mut txn = db.read(context).await?;
    in_txn(&mut txn, &context.tenants_json(), id).await
}

async fn in_txn(txn: &mut Txn, set: &str, id: AlertId) -> Result<Alert, InventoryError> {
    let row = GET.bind(set).bind(id).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

sql! { pub(crate) HISTORY =
    "SELECT at, kind, actor_kind, actor_id, actor_name, note, until FROM alert_event
     WHERE alert_id = $2 AND tenant_id IN ", tenant_set!(),
    " ORDER BY at DESC, event_id DESC LIMIT $3"
}

/// An alert and what happened with it, the newest first.
pub async fn alert_history(
    db: &Database,
    context: &TenantContext,
    id: AlertId,
) -> Result<(Alert, Vec<Happened>), InventoryError> {
    let set = context.tenants_json();
    let mut txn = db.read(context).await?;
    let alert = in_txn(&mut txn, &set, id).await?;
    let rows = HISTORY.bind(set).bind(id).bind(HISTORY_MAX).all(&mut txn).await?;
    let happened = rows.iter().map(happened).collect::<Result<_, _>>()?;
    Ok((alert, happened))
}

fn happened(row: &Row) -> Result<Happened, StoreError> {
    let who = match (row.get(2)?, row.get(3)?, row.get(4)?) {
        (Some(kind), Some(id), Some(name)) => Some((kind, id, name)),
        _ => None,
    };
    Ok(Happened {
        at: Micros(row.get(0)?),
        kind: row.get(1)?,
        who,
        note: row.get(5)?,
        until: row.get::<Option<i64>>(6)?.map(Micros),
    })
}

/// Those of some alerts that the caller may see. Others may have been pending, and are gone.
pub async fn alerts_known(
    db: &Database,
    context: &TenantContext,
    ids: &[AlertId],
) -> Result<Vec<Alert>, StoreError> {
    let list = ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(",");
    let mut txn = db.read(context).await?;
    let query = AMONG.bind(context.tenants_json()).bind(format!("[{list}]"));
    let rows = query.all(&mut txn).await?;
    rows.iter().map(read).collect()
}
