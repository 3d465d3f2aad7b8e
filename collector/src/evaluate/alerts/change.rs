//! What people do with alerts. What evaluation keeps of them is not touched, so that neither undoes
//! the other.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, IdGenerator, TenantId};
use serde_json::{Value, json};

use super::{Alert, in_txn};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::{InventoryError, require, set_of};
use crate::live::view::rfc3339;
use crate::store::Database;
use crate::store::sql::sql;

/// Alerts of one call.
pub const BULK_MAX: usize = 200;

/// What somebody does with an open alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Looks after it. Without a note, one that is there stays.
    Ack {
        note: Option<String>,
    },
    Unack,
    /// Nobody is told of what becomes of it until then.
    Silence {
        until: Micros,
        note: Option<String>,
    },
    Unsilence,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    Done(Box<Alert>),
    /// It was so already.
    Unchanged(Box<Alert>),
    /// It is resolved: there is nothing to look after.
    Resolved,
    /// It was pending, and came to nothing.
    Gone,
}

// Only of what is open, also if it was resolved in between.
sql! { pub(crate) ACK =
    "UPDATE alert SET acked_at = $3, acked_by = $4, ack_note = $5, updated_at = $6
     WHERE tenant_id = $1 AND alert_id = $2 AND phase <> 'resolved'"
}
sql! { pub(crate) SILENCE =
    "UPDATE alert SET silenced_until = $3, updated_at = $4
     WHERE tenant_id = $1 AND alert_id = $2 AND phase <> 'resolved'"
}
sql! { pub(crate) EVENT =
    "INSERT INTO alert_event (tenant_id, alert_id, event_id, at, kind, actor_kind, actor_id,
                              actor_name, note, until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
}

/// Does it, with its rows in the alert's history and in the audit. One alert in one transaction:
/// who evaluates takes many of them, and in another order the two would wait in a circle.
pub async fn alert_act(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, id): (TenantId, AlertId),
    act: &Act,
    now: Micros,
) -> Result<Acted, InventoryError> {
    require(context, tenant, Access::Write)?;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let before = in_txn(&mut txn, &set_of(tenant), id).await?;
    if before.phase == "resolved" {
        return Ok(Acted::Resolved);
    }
    let who = context.who();
    let (acked, silence) = (&before.acked, before.silenced_until);
    let query = match act {
        Act::Ack { note }
            if acked.as_ref().is_some_and(|ack| stays(ack.note.as_deref(), note.as_deref())) =>
        {
            None
        }
        Act::Ack { note } => {
            let ack = ACK.bind(tenant).bind(id).bind(now).bind(&*who.name);
            Some(ack.bind(note.clone()).bind(now))
        }
        Act::Unack => acked.as_ref().map(|_| {
            let (nobody, nothing): (Option<String>, Option<String>) = (None, None);
            let ack = ACK.bind(tenant).bind(id).bind(None::<Micros>).bind(nobody);
            ack.bind(nothing).bind(now)
        }),
        Act::Silence { until, .. } => {
            (silence != Some(*until)).then(|| SILENCE.bind(tenant).bind(id).bind(*until).bind(now))
        }
        Act::Unsilence => {
            silence.map(|_| SILENCE.bind(tenant).bind(id).bind(None::<Micros>).bind(now))
        }
    };
    let Some(query) = query else { return Ok(Acted::Unchanged(Box::new(before))) };
    if query.execute(&mut txn).await? == 0 {
        return Ok(Acted::Resolved);
    }
    let (kind, verb, note, until) = act.told();
    let event = EVENT.bind(tenant).bind(id).bind(ids.next(now)).bind(now).bind(kind);
    let event = event.bind(who.kind).bind(who.id).bind(&*who.name);
    event.bind(note.map(str::to_owned)).bind(until).execute(&mut txn).await?;
    let after = in_txn(&mut txn, &set_of(tenant), id).await?;
    let change = Change::new("alert", verb, id.0, &before.rule.name);
    txn.commit([change.before(told(&before)).after(told(&after))], now).await?;
    Ok(Acted::Done(Box::new(after)))
}

/// Whether an acknowledgement that is there says what another one would.
fn stays(there: Option<&str>, note: Option<&str>) -> bool {
    note.is_none() || there == note
}

/// What the audit tells of what people may change.
fn told(alert: &Alert) -> Value {
    json!({
        "summary": alert.summary,
        "acked_by": alert.acked.as_ref().map(|acked| &acked.by),
        "note": alert.acked.as_ref().and_then(|acked| acked.note.as_ref()),
        "silenced_until": alert.silenced_until.and_then(rfc3339),
    })
}

impl Act {
    /// The word of the history, and that of the audit; the note and the end that it has.
    fn told(&self) -> (&'static str, &'static str, Option<&str>, Option<Micros>) {
        match self {
            Self::Ack { note } => ("acked", "ack", note.as_deref(), None),
            Self::Unack => ("unacked", "unack", None, None),
            Self::Silence { until, note } => ("silenced", "silence", note.as_deref(), Some(*until)),
            Self::Unsilence => ("unsilenced", "unsilence", None, None),
        }
    }
}

/// What became of each of many alerts, in their order, and what ended it before the last.
#[derive(Debug, Default)]
pub struct BulkActed {
    pub done: Vec<(AlertId, Acted)>,
    pub failed: Option<InventoryError>,
}

/// Does the same with many alerts that are [`super::alerts_known`], one after another. Nothing is
/// done unless the caller may do it with all of them.
pub async fn alerts_act(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    alerts: &[(TenantId, AlertId)],
    act: &Act,
    now: Micros,
) -> Result<BulkActed, InventoryError> {
    for (tenant, _) in alerts {
        require(context, *tenant, Access::Write)?;
    }
    let mut bulk = BulkActed::default();
    for (tenant, id) in alerts {
        match alert_act(db, context, ids, (*tenant, *id), act, now).await {
            Ok(acted) => bulk.done.push((*id, acted)),
            Err(InventoryError::NotFound) => bulk.done.push((*id, Acted::Gone)),
            Err(error) => {
                bulk.failed = Some(error);
                break;
            }
        }
    }
    Ok(bulk)
}
