//! The changes of states as they are kept.

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};

use super::Change;
use crate::evaluate::key::EvaluateKey;
use crate::identity::TenantContext;
use crate::inventory::tenant_set;
use crate::live::State;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Of one device; of more the oldest go.
pub(in crate::evaluate) const PER_DEVICE_MAX: u32 = 1_000;
/// Rows that are written in one transaction.
const GROUP_MAX: u32 = 500;

sql! { pub(crate) LAST =
"SELECT s.device_id, s.state, s.at FROM device_state s
 JOIN (SELECT device_id, MAX(at) AS at FROM device_state WHERE tenant_id = $1 GROUP BY device_id) l
   ON l.device_id = s.device_id AND l.at = s.at
 WHERE s.tenant_id = $1" }
// A device that was removed meanwhile has no timeline.
sql! { pub(crate) ADD =
"INSERT INTO device_state (tenant_id, device_id, at, state, was)
 SELECT d.tenant_id, d.device_id, $3, $4, $5 FROM device d WHERE d.tenant_id = $1 AND d.device_id = $2
 ON CONFLICT (tenant_id, device_id, at) DO UPDATE SET state = excluded.state" }
// The last one of a device says how it is, however long ago that was.
sql! { pub(crate) SWEPT =
"SELECT device_id, MAX(at) FROM device_state WHERE tenant_id = $1 GROUP BY device_id
 HAVING (MIN(at) < $2 AND MIN(at) < MAX(at)) OR COUNT(*) > $3" }
sql! { pub(crate) OLD =
"DELETE FROM device_state WHERE tenant_id = $1 AND device_id = $2 AND at < $3" }
sql! { pub(crate) TOO_MANY =
"DELETE FROM device_state WHERE tenant_id = $1 AND device_id = $2 AND at <= (
    SELECT at FROM device_state WHERE tenant_id = $1 AND device_id = $2
    ORDER BY at DESC LIMIT 1 OFFSET $3)" }
sql! { pub(crate) SPAN =
    "SELECT s.at, s.state, s.was FROM device_state s
     WHERE s.device_id = $2 AND s.at >= $3 AND s.at < $4 AND s.tenant_id IN ", tenant_set!(),
    " ORDER BY s.at DESC LIMIT $5"
}

fn state(name: &str) -> Result<State, StoreError> {
    let corrupt = || StoreError::Corrupt { what: format!("a state {name}") };
    State::from_name(name).ok_or_else(corrupt)
}

/// The last change of each device.
pub(in crate::evaluate) async fn last(
    txn: &mut Txn,
    tenant: TenantId,
) -> Result<Vec<Change>, StoreError> {
    let rows = LAST.bind(tenant).all(txn).await?;
    let read = |row: &Row| {
        let (device, state) = (DeviceId(row.get(0)?), state(&row.get::<String>(1)?)?);
        Ok(Change { device, at: Micros(row.get(2)?), was: None, state })
    };
    rows.iter().map(read).collect()
}

/// Keeps the oldest of some changes, as many as go together: others write, too. How many those are.
pub(in crate::evaluate) async fn add(
    database: &Database,
    tenant: TenantId,
    changes: &[Change],
) -> Result<usize, StoreError> {
    let group = &changes[..changes.len().min(GROUP_MAX as usize)];
    let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
    for change in group {
        let was = change.was.map(State::name);
        let add = ADD.bind(tenant).bind(change.device).bind(change.at);
        add.bind(change.state.name()).bind(was).execute(&mut txn).await?;
    }
    txn.commit().await?;
    Ok(group.len())
}

/// Lets go of what is older, but for the last of each device, and of what a device has too much of.
pub(in crate::evaluate) async fn sweep(
    database: &Database,
    tenant: TenantId,
    before: Micros,
) -> Result<(), StoreError> {
    let mut txn = database.evaluate_read(EvaluateKey::new(), &[tenant].into()).await?;
    let swept = SWEPT.bind(tenant).bind(before).bind(PER_DEVICE_MAX).all(&mut txn).await?;
    drop(txn);
    for row in &swept {
        let (device, last) = (DeviceId(row.get(0)?), Micros(row.get(1)?));
        let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
        OLD.bind(tenant).bind(device).bind(before.min(last)).execute(&mut txn).await?;
        TOO_MANY.bind(tenant).bind(device).bind(PER_DEVICE_MAX).execute(&mut txn).await?;
        txn.commit().await?;
    }
    Ok(())
}

/// How the state of a device that the caller may see changed from `from` up to `to`, the newest first.
pub(crate) async fn state_list(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    (from, to): (Micros, Micros),
    limit: u32,
) -> Result<Vec<Change>, StoreError> {
    let mut txn = db.read(context).await?;
    let span = SPAN.bind(context.tenants_json()).bind(device).bind(from).bind(to).bind(limit);
    let read = |row: &Row| {
        let was = row.get::<Option<String>>(2)?.map(|was| state(&was)).transpose()?;
        let (at, state) = (Micros(row.get(0)?), state(&row.get::<String>(1)?)?);
        Ok(Change { device, at, was, state })
    };
    span.all(&mut txn).await?.iter().map(read).collect()
}
