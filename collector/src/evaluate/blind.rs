//! What would have fired while nobody could see it: the rows came late, and late rows open nothing.
//!
//! - in: a device and a stretch of time; its stored rows, the tenant's rules
//! - out: the alerts that rules of that time would have opened, and that there are none of
//! - bound: [`ROWS_MAX`] rows, under the rules of the tenant
//! - when full: nothing is looked at, and that is said
//! - on crash: whoever asked asks again

use std::collections::HashMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, RuleId, TenantId};

use super::engine::directory::Directory;
use super::preview::{Opened, past};
use super::rule::{Condition, Rule};
use super::severity::Severity;
use super::store::part::part_name;
use super::store::{places, rules};
use crate::identity::TenantContext;
use crate::inventory::InventoryError;
use crate::live::{LATE_AFTER, Live};
use crate::store::sql::{Row, sql};
use crate::store::{Database, Samples, StoreError, Txn};

/// Rows of the device that are looked at: a day of one that is polled each 10 s in five groups.
pub const ROWS_MAX: usize = 50_000;

/// An alert that there was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Unseen {
    pub rule: (RuleId, String),
    pub severity: Severity,
    pub opened: Opened,
}

sql! { pub(crate) CHANGED =
"SELECT rule_id, updated_at FROM alert_rule WHERE tenant_id = $1" }
sql! { pub(crate) SEEN =
"SELECT rule_id, object, began_at, COALESCE(resolved_at, $4) FROM alert
 WHERE tenant_id = $1 AND device_id = $2 AND COALESCE(resolved_at, $4) >= $3 AND began_at <= $4" }

/// What there was an alert of, from when to when.
type Seen = (RuleId, String, Micros, Micros);

/// What nobody was told of a device, the oldest first. `None`: its rows are too many to be looked at.
pub async fn unseen(
    db: &Database,
    context: &TenantContext,
    (live, samples): (&Live, &Samples),
    device: DeviceId,
    (from, to): (Micros, Micros),
) -> Result<Option<Vec<Unseen>>, InventoryError> {
    let found = match samples.rows(context, device, (from, to), ROWS_MAX).await {
        Err(StoreError::TooMuch { .. }) => return Ok(None),
        found => found?.ok_or(InventoryError::NotFound)?,
    };
    let tenant = found.tenant;
    let mut txn = db.read(context).await?;
    let directory = places::directory(&mut txn, tenant).await?;
    let changed = changed(&mut txn, tenant).await?;
    let mut rules = rules::list(&mut txn, tenant).await?;
    let seen = SEEN.bind(tenant).bind(device).bind(from).bind(to).all(&mut txn).await?;
    drop(txn);
    let seen: Vec<Seen> = seen.iter().map(read).collect::<Result<_, _>>()?;
    // Where there are no rows there is nothing to be said about what is absent.
    let looks = |rule: &Rule| rule.enabled && !matches!(rule.condition, Condition::Absence { .. });
    rules.retain(looks);
    let alone = Directory {
        devices: directory.devices.into_iter().filter(|(id, _)| *id == device).collect(),
        ..directory
    };
    let opened = past::told_anew(live, (rules, alone), device, found, from).await?;
    let missed = opened.into_iter().filter(|(rule, opened)| {
        let of_then = changed.get(&rule.id).is_some_and(|at| *at <= opened.began_at);
        let over = opened.fired_at.after(LATE_AFTER) < to;
        let was_seen = |(id, object, began, resolved): &Seen| {
            let end = opened.resolved_at.unwrap_or(to);
            *id == rule.id
                && *object == opened.object
                && *began <= end
                && *resolved >= opened.began_at
        };
        of_then && over && !seen.iter().any(was_seen)
    });
    let mut unseen: Vec<_> = missed
        .map(|(rule, opened)| Unseen {
            rule: (rule.id, rule.name.clone()),
            severity: rule.severity,
            opened,
        })
        .collect();
    unseen.sort_by_key(|one| one.opened.fired_at);
    let mut txn = db.read(context).await?;
    for Unseen { opened, .. } in &mut unseen {
        opened.object_name = part_name(&mut txn, tenant, device, &opened.object).await?;
    }
    Ok(Some(unseen))
}

async fn changed(txn: &mut Txn, tenant: TenantId) -> Result<HashMap<RuleId, Micros>, StoreError> {
    let rows = CHANGED.bind(tenant).all(txn).await?;
    rows.iter().map(|row| Ok((RuleId(row.get(0)?), Micros(row.get(1)?)))).collect()
}

fn read(row: &Row) -> Result<Seen, StoreError> {
    Ok((RuleId(row.get(0)?), row.get(1)?, Micros(row.get(2)?), Micros(row.get(3)?)))
}
