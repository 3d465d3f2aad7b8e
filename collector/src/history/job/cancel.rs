//! Taking back a job that waits.

use farwatch_common::clock::Micros;
use farwatch_common::id::ConfigJobId;
use serde_json::json;

use super::{CANCELLED, GET, Job, LOOK, job_get, read};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::{InventoryError, set_of};
use crate::store::Database;
use crate::store::sql::sql;

const ADVICE: &str = "somebody took it back; the schedule goes on with its next slot";

// An agent may be told of it just now: then it is running. What one was told that then had no room for
// it was tried with nothing.
sql! { pub(crate) CANCEL =
    "UPDATE config_job SET state = 'failed', cause = $5, advice = $3, ended_at = $4, host = NULL,
            port = NULL, login = NULL, agent_version = NULL
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'queued'"
}

/// How taking back a job ended.
#[derive(Clone, Debug)]
pub enum Cancel {
    Done(Box<Job>),
    /// Its agent was told: it ends by itself.
    Running,
    Ended,
}

/// Ends a job that waits. Nothing failed, and the schedule goes on with the next slot.
pub async fn job_cancel(
    db: &Database,
    context: &TenantContext,
    id: ConfigJobId,
    now: Micros,
) -> Result<Cancel, InventoryError> {
    let job = job_get(db, context, id).await?;
    let (tenant, device) = (job.tenant.id, job.device.id);
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let cancel = CANCEL.bind(tenant).bind(id.0).bind(ADVICE).bind(now).bind(CANCELLED);
    if cancel.execute(&mut txn).await? == 0 {
        drop(txn);
        let is_open = job_get(db, context, id).await?.is_open();
        return Ok(if is_open { Cancel::Running } else { Cancel::Ended });
    }
    LOOK.bind(tenant).bind(device).execute(&mut txn).await?;
    let row = GET.bind(set_of(tenant)).bind(id.0).optional(&mut txn).await?;
    let job = read(&row.ok_or(InventoryError::NotFound)?)?;
    let change = Change::new("device", "backup_cancel", device.0, &job.device.name);
    txn.commit([change.after(json!({ "job": id.to_string() }))], now).await?;
    Ok(Cancel::Done(Box::new(job)))
}
