//! What evaluation keeps: the alerts, and the rules and places it begins with. A transition, its
//! row of the alert's history and what people are told of it are written together.

pub(crate) mod places;
pub(crate) mod rules;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, IdGenerator, RuleId, SiteId, TenantId};
use serde::{Deserialize, Serialize};

use super::engine::directory::Directory;
use super::engine::step::{Step, Subject, Tracked};
use super::key::EvaluateKey;
use super::rule::Written;
use super::track::{Phase, Track, Turn};
use super::words::summary;
use crate::notify::outbox::{Became, Transition, enqueue};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Of an open alert: nobody can tell how it is now.
pub(crate) const UNKNOWN: &str = "unknown";

/// Why an alert fired: the rule as it was, and the readings that led to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub rule: Written,
    /// Of the device, or of the agent.
    pub name: String,
    /// The last one that was wrong.
    pub value: Option<f64>,
    /// Event time in microseconds, and the value.
    pub samples: VecDeque<(i64, Option<f64>)>,
}

sql! { pub(crate) OPEN =
"SELECT alert_id, rule_id, agent_id, device_id, object, phase, cause, began_at, fired_at, last_at,
        well_at, evidence, told, site_id
 FROM alert WHERE tenant_id = $1 AND phase <> 'resolved'" }

/// The alerts that were open when they were written last. Of alerts about devices the caller adds
/// how long a reading holds.
pub(super) async fn open(txn: &mut Txn, tenant: TenantId) -> Result<Vec<Tracked>, StoreError> {
    let rows = OPEN.bind(tenant).all(txn).await?;
    rows.iter().map(|row| tracked(tenant, row)).collect()
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
        gap: device.map(|_| Duration::ZERO),
        began_at,
        fired_at: row.get::<Option<i64>>(8)?.map(Micros),
        value: evidence.value,
        told: u32::try_from(row.get::<i64>(12)?).unwrap_or(u32::MAX),
        samples: evidence.samples.into_iter().map(|(at, value)| (Micros(at), value)).collect(),
    })
}

sql! { pub(crate) FORGET =
"DELETE FROM alert WHERE tenant_id = $1 AND alert_id = $2 AND phase = 'pending'" }
sql! { pub(crate) WRITE =
"INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id, agent_id, device_id,
    object, phase, cause, began_at, fired_at, last_at, well_at, resolved_at, evidence, told,
    created_at, updated_at)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $19)
 ON CONFLICT (tenant_id, alert_id) DO UPDATE SET phase = excluded.phase, cause = excluded.cause,
    began_at = excluded.began_at, fired_at = excluded.fired_at,
    last_at = excluded.last_at, well_at = excluded.well_at, resolved_at = excluded.resolved_at,
    evidence = excluded.evidence, told = excluded.told, updated_at = excluded.updated_at" }
sql! { pub(crate) EVENT =
"INSERT INTO alert_event (tenant_id, alert_id, event_id, at, kind, note)
 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING" }
/// The note at a firing that nobody was told of.
const SILENT: &str = "silent";

sql! { pub(crate) FIRED_SILENT =
"SELECT COUNT(*) FROM alert_event
 WHERE tenant_id = $1 AND alert_id = $2 AND event_id = 1 AND note = $3" }
sql! { pub(crate) SILENCED =
"SELECT silenced_until FROM alert WHERE tenant_id = $1 AND alert_id = $2" }

/// Keeps what became of alerts of one tenant, in their order. Written again it changes nothing.
pub(super) async fn write(
    database: &Database,
    tenant: TenantId,
    (steps, directory): (&[Step], &Directory),
    ids: &IdGenerator,
    now: Micros,
) -> Result<(), StoreError> {
    let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
    for step in steps {
        if step.turn == Turn::Dropped {
            FORGET.bind(tenant).bind(step.now.alert).execute(&mut txn).await?;
            continue;
        }
        write_alert(&mut txn, tenant, step, now).await?;
        let alert = step.now.alert;
        let (became, at, (id, kind), silent) = match step.turn {
            Turn::Fired(at) => {
                let until: Option<i64> = SILENCED.bind(tenant).bind(alert).scalar(&mut txn).await?;
                let silent = until.is_some_and(|until| until > now.0);
                (Became::Firing, at, (1, "fired"), silent)
            }
            // Who was told that it fires is told that it is over, silent or not; nobody else is.
            Turn::Resolved(at) => {
                let fired = FIRED_SILENT.bind(tenant).bind(alert).bind(SILENT).scalar(&mut txn);
                let silent: i64 = fired.await?;
                (Became::Resolved, at, (2, "resolved"), silent > 0)
            }
            _ => continue,
        };
        let note = if silent && became == Became::Firing { Some(SILENT) } else { step.cause };
        let insert = EVENT.bind(tenant).bind(alert).bind(id).bind(now);
        insert.bind(kind).bind(note).execute(&mut txn).await?;
        if !silent {
            tell(&mut txn, tenant, (step, became, at), directory, (ids, now)).await?;
        }
    }
    txn.commit().await
}

async fn write_alert(
    txn: &mut Txn,
    tenant: TenantId,
    step: &Step,
    now: Micros,
) -> Result<(), StoreError> {
    let Tracked { alert, rule, subject, track, .. } = &step.now;
    let (phase, well_at) = match track.phase {
        Phase::Pending { .. } => ("pending", None),
        Phase::Firing { well } => ("firing", well),
        Phase::Clear => ("resolved", None),
    };
    let resolved_at = match step.turn {
        Turn::Resolved(at) => Some(at),
        _ => None,
    };
    let cause = step.cause.or_else(|| track.unknown.map(|_| UNKNOWN));
    let evidence = Evidence {
        rule: Written::of(rule),
        name: step.now.name.clone(),
        value: step.now.value,
        samples: step.now.samples.iter().map(|(at, value)| (at.0, *value)).collect(),
    };
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let evidence = serde_json::to_string(&evidence).map_err(corrupt)?;
    let insert = WRITE.bind(tenant).bind(*alert).bind(rule.id).bind(&rule.name);
    let insert = insert.bind(rule.severity as i64).bind(step.now.site);
    let insert = insert.bind(subject.agent).bind(subject.device).bind(&*subject.object);
    let insert = insert.bind(phase).bind(cause).bind(step.now.began_at);
    let insert = insert.bind(step.now.fired_at).bind(track.last).bind(well_at).bind(resolved_at);
    insert.bind(evidence).bind(step.now.told).bind(now).execute(txn).await?;
    Ok(())
}

/// Lets people know.
async fn tell(
    txn: &mut Txn,
    tenant: TenantId,
    (step, became, at): (&Step, Became, Micros),
    directory: &Directory,
    (ids, now): (&IdGenerator, Micros),
) -> Result<(), StoreError> {
    let Tracked { alert, rule, subject, .. } = &step.now;
    let (site, name) = (step.now.site, step.now.name.as_str());
    let agent = match (subject.device, directory.agents.get(&subject.agent)) {
        (None, _) => name,
        (Some(_), agent) => agent.map_or("", |agent| &agent.name),
    };
    let nothing = BTreeSet::new();
    let place = subject.device.and_then(|id| directory.devices.get(&id));
    let tags = place.map_or(&nothing, |place| &place.tags);
    let summary = summary(name, &subject.object, &rule.condition, step.now.value);
    let transition = Transition {
        tenant,
        alert: *alert,
        number: step.now.told,
        became,
        rule: (rule.id, &rule.name),
        severity: rule.severity,
        site: (site, directory.sites.get(&site).map_or("", String::as_str)),
        agent: (subject.agent, agent),
        device: subject.device.map(|id| (id, name)),
        tags,
        object: &subject.object,
        summary: &summary,
        began_at: step.now.began_at,
        at,
    };
    enqueue(txn, &transition, ids, now).await?;
    Ok(())
}
