//! What evaluation keeps: the alerts, and the rules and places it begins with. A transition, its
//! row of the alert's history and what people are told of it are written together.

pub(crate) mod part;
pub(crate) mod places;
pub(crate) mod rules;
pub(crate) mod write;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, RuleId, SiteId, TenantId};
use farwatch_common::sample::Group;
use serde::{Deserialize, Serialize};

use super::engine::step::{Subject, Tracked};
use super::metric::STANDING;
use super::rule::Written;
use super::seen::Seen;
use super::track::{Phase, Track};
use crate::store::sql::{Row, sql};
use crate::store::{StoreError, Txn};

/// Of an open alert: nobody can tell how it is now.
pub(crate) const UNKNOWN: &str = "unknown";

/// Why an alert fired: the rule as it was, and the readings that led to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub rule: Written,
    /// Of the device, or of the agent.
    pub name: String,
    /// The last that was wrong.
    pub wrong: Seen,
    /// Event time in microseconds, and what was read.
    pub samples: VecDeque<(i64, Seen)>,
    /// Number of the group of readings that it is told with.
    #[serde(default)]
    pub group: Option<u32>,
}

sql! { pub(crate) OPEN =
"SELECT alert_id, rule_id, agent_id, device_id, object, phase, cause, began_at, fired_at, last_at,
        well_at, evidence, told, site_id
 FROM alert WHERE tenant_id = $1 AND phase <> 'resolved'" }

/// The alerts that were open when they were written last. Of alerts about devices the caller adds
/// how long a reading holds.
pub(super) async fn open(txn: &mut Txn, tenant: TenantId) -> Result<Vec<Tracked>, StoreError> {
    let rows = OPEN.bind(tenant).all(txn).await?;
    let read = |row: &Row| match tracked(tenant, row) {
        // One that a later version wrote must not keep the others from being looked at.
        Err(StoreError::Corrupt { what }) => {
            tracing::warn!(tenant_id = %tenant, what, "an open alert cannot be read");
            None
        }
        read => Some(read),
    };
    rows.iter().filter_map(read).collect()
}

fn tracked(tenant: TenantId, row: &Row) -> Result<Tracked, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let evidence: Evidence = serde_json::from_str(&row.get::<String>(11)?).map_err(corrupt)?;
    let began_at = Micros(row.get(7)?);
    let last = Micros(row.get(9)?);
    let well = row.get::<Option<i64>>(10)?.map(Micros);
    let phase = match row.get::<String>(5)?.as_str() {
        "pending" => Phase::Pending { since: began_at },
        _ => Phase::Firing { well },
    };
    let unknown = row.get::<Option<String>>(6)?.is_some_and(|cause| cause == UNKNOWN);
    let device = row.get::<Option<i64>>(3)?.map(DeviceId);
    let rule = evidence.rule.into_rule(tenant, RuleId(row.get(1)?));
    let is_standing = |name: &str| STANDING.contains(&name);
    let stands = device.is_none() || rule.condition.metric().is_some_and(is_standing);
    Ok(Tracked {
        alert: AlertId(row.get(0)?),
        rule: Arc::new(rule),
        subject: Subject {
            device,
            agent: AgentId(row.get(2)?),
            object: row.get::<String>(4)?.into(),
        },
        site: SiteId(row.get(13)?),
        name: evidence.name,
        track: Track { phase, last, unknown: unknown.then_some(last) },
        gap: (!stands).then_some(Duration::ZERO),
        group: evidence.group.and_then(Group::from_wire),
        began_at,
        fired_at: row.get::<Option<i64>>(8)?.map(Micros),
        wrong: evidence.wrong,
        told: u32::try_from(row.get::<i64>(12)?).unwrap_or(u32::MAX),
        samples: evidence.samples.into_iter().map(|(at, seen)| (Micros(at), seen)).collect(),
    })
}
