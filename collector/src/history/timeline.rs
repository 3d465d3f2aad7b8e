//! What happened with a device, in one line: alerts, its configuration, restarts.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, ConfigJobId, ConfigVersionId, DeviceId};

use super::job::{OTHER_HOST_KEY, called_off};
use crate::evaluate::alerts::alerts_between;
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, tenant_set};
use crate::store::rates::Uptime;
use crate::store::samples::{POINTS_MAX, Series, SeriesQuery};
use crate::store::series::UPTIME_METRIC;
use crate::store::sql::sql;
use crate::store::{Database, SampleStore as _, Samples, StoreError};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Event time of alerts and restarts, the collector's of all else.
    pub at: Micros,
    pub what: What,
    /// One line for people.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    AlertFired { alert: AlertId, severity: &'static str },
    AlertResolved { alert: AlertId, severity: &'static str },
    ConfigChanged { version: ConfigVersionId, job: ConfigJobId },
    ConfigFailed { job: ConfigJobId },
    HostKeyChanged { job: ConfigJobId },
    Reboot,
}

sql! { pub(crate) VERSIONS =
    "SELECT v.version_id, v.job_id, v.first_at, v.lines, v.added, v.removed,
            EXISTS (SELECT 1 FROM config_version o WHERE o.tenant_id = v.tenant_id
                    AND o.device_id = v.device_id AND o.version_id < v.version_id)
     FROM config_version v
     WHERE v.device_id = $2 AND v.first_at >= $3 AND v.first_at < $4 AND v.tenant_id IN ",
    tenant_set!(), " ORDER BY v.first_at DESC, v.version_id DESC LIMIT $5"
}
sql! { pub(crate) FAILED =
    "SELECT j.job_id, j.ended_at, j.cause, j.advice FROM config_job j
     WHERE j.device_id = $2 AND j.state = 'failed'
       AND j.cause NOT IN ", called_off!(), "
       AND j.ended_at >= $3 AND j.ended_at < $4
       AND j.tenant_id IN ", tenant_set!(), " ORDER BY j.ended_at DESC LIMIT $5"
}
/// Which part is wanted: the newest `limit` from `from`, up to but without `to`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: Micros,
    pub to: Micros,
    pub limit: u32,
}

/// What happened with a device that the caller may see, the newest first.
pub async fn timeline(
    db: &Database,
    samples: &Samples,
    context: &TenantContext,
    device: DeviceId,
    span: Span,
) -> Result<Vec<Item>, InventoryError> {
    let mut items = alerts(db, context, device, span).await?;
    items.extend(configs(db, context, device, span).await?);
    let uptime = SeriesQuery {
        device,
        metrics: vec![UPTIME_METRIC.to_owned()],
        object: None,
        from: span.from,
        to: span.to,
        points: POINTS_MAX,
    };
    items.extend(samples.series(context, &uptime).await?.iter().flat_map(reboots));
    items.retain(|item| item.at >= span.from && item.at < span.to);
    items.sort_by_key(|item| std::cmp::Reverse(item.at));
    items.truncate(span.limit as usize);
    Ok(items)
}

async fn alerts(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    Span { from, to, limit }: Span,
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    for alert in alerts_between(db, context, device, (from, to), limit).await? {
        let (id, severity) = (alert.id, alert.severity.name());
        if let Some(at) = alert.fired_at {
            let what = What::AlertFired { alert: id, severity };
            items.push(Item { at, what, text: alert.summary.clone() });
        }
        if let Some(at) = alert.resolved_at {
            let what = What::AlertResolved { alert: id, severity };
            items.push(Item { at, what, text: alert.summary });
        }
    }
    Ok(items)
}

async fn configs(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    Span { from, to, limit }: Span,
) -> Result<Vec<Item>, StoreError> {
    let set = context.tenants_json();
    let mut txn = db.read(context).await?;
    let mut items = Vec::new();
    let versions = VERSIONS.bind(&set).bind(device).bind(from).bind(to).bind(limit);
    for row in versions.all(&mut txn).await? {
        let (version, job) = (ConfigVersionId(row.get(0)?), ConfigJobId(row.get(1)?));
        let [lines, added, removed]: [i64; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
        let text = if row.get::<bool>(6)? {
            format!("Configuration changed: +{added} −{removed} lines")
        } else {
            format!("First configuration kept: {lines} lines")
        };
        let what = What::ConfigChanged { version, job };
        items.push(Item { at: Micros(row.get(2)?), what, text });
    }
    let failed = FAILED.bind(set).bind(device).bind(from).bind(to).bind(limit);
    for row in failed.all(&mut txn).await? {
        let [cause, advice] = [row.get::<Option<String>>(2)?, row.get::<Option<String>>(3)?];
        let (cause, advice) = (cause.unwrap_or_default(), advice.unwrap_or_default());
        let job = ConfigJobId(row.get(0)?);
        // What stands with the device goes once the key is pinned; that it was shown stays.
        let (what, said) = match cause == OTHER_HOST_KEY {
            true => (What::HostKeyChanged { job }, "Another host key was shown"),
            false => (What::ConfigFailed { job }, "Configuration not fetched"),
        };
        items.push(Item {
            at: Micros(row.get(1)?),
            what,
            text: format!("{said} ({cause}): {advice}"),
        });
    }
    Ok(items)
}

/// When the device was started, as its uptime tells; to about the step of the series.
fn reboots(series: &Series) -> Vec<Item> {
    let mut uptime = Uptime::default();
    let lowest = series.points.iter().filter_map(|point| Some((point.at, point.min?)));
    let booted = lowest.filter_map(|(at, seconds)| {
        let up = Duration::try_from_secs_f64(seconds).ok()?;
        uptime.observe(at, up)
    });
    let text = || "Restarted".to_owned();
    booted.map(|at| Item { at, what: What::Reboot, text: text() }).collect()
}
