//! Writes what became of alerts: their state, their history, and what people are told, together.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, IdGenerator, TenantId};

use super::part::part_of;
use super::{Evidence, UNKNOWN};
use crate::evaluate::engine::directory::Directory;
use crate::evaluate::engine::step::{Step, Tracked};
use crate::evaluate::key::EvaluateKey;
use crate::evaluate::rule::Written;
use crate::evaluate::track::{Phase, Turn};
use crate::evaluate::words::summary;
use crate::notify::outbox::{Became, Transition, enqueue};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

sql! { pub(crate) FORGET =
"DELETE FROM alert WHERE tenant_id = $1 AND alert_id = $2 AND phase = 'pending'" }
// A silence holds for what comes after the alert that it was laid on, about the same thing.
sql! { pub(crate) WRITE =
"INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id, agent_id, device_id,
    object, phase, cause, began_at, fired_at, last_at, well_at, resolved_at, evidence, told,
    created_at, updated_at, object_name, silenced_until)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $19, $20, (SELECT CASE WHEN q.silenced_until > $19 THEN q.silenced_until END FROM alert q
          WHERE q.tenant_id = $1 AND q.rule_id = $3 AND q.agent_id = $7
            AND q.device_id IS NOT DISTINCT FROM $8 AND q.object = $9
          ORDER BY q.alert_id DESC LIMIT 1))
 ON CONFLICT (tenant_id, alert_id) DO UPDATE SET phase = excluded.phase, cause = excluded.cause,
    began_at = excluded.began_at, fired_at = excluded.fired_at,
    last_at = excluded.last_at, resolved_at = excluded.resolved_at,
    well_at = CASE excluded.phase WHEN 'resolved' THEN alert.well_at ELSE excluded.well_at END,
    evidence = excluded.evidence, told = excluded.told, updated_at = excluded.updated_at,
    object_name = excluded.object_name" }
sql! { pub(crate) EVENT =
"INSERT INTO alert_event (tenant_id, alert_id, event_id, at, kind, note)
 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING" }
sql! { pub(crate) FIRED_SILENT =
"SELECT COUNT(*) FROM alert_event
 WHERE tenant_id = $1 AND alert_id = $2 AND event_id = 1 AND note = 'silent'" }
sql! { pub(crate) SILENCED =
"SELECT silenced_until FROM alert WHERE tenant_id = $1 AND alert_id = $2" }

/// The note at a firing that nobody was told of.
const SILENT: &str = "silent";

/// What telling people takes.
#[derive(Clone, Copy)]
pub(in crate::evaluate) struct Telling<'a> {
    pub directory: &'a Directory,
    /// Where the web UI is.
    pub web: Option<&'a str>,
    pub ids: &'a IdGenerator,
    pub now: Micros,
}

/// Keeps what became of alerts of one tenant, and names their objects. Written again it changes nothing.
pub(in crate::evaluate) async fn write(
    database: &Database,
    tenant: TenantId,
    steps: &mut [Step],
    telling: Telling<'_>,
) -> Result<(), StoreError> {
    let now = telling.now;
    let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
    for step in steps.iter_mut().filter(|step| step.turn != Turn::Dropped) {
        step.part = part_of(&mut txn, tenant, &step.now).await?;
    }
    let last: BTreeMap<AlertId, &Step> = steps.iter().map(|step| (step.now.alert, step)).collect();
    // What is over comes first: of one thing one alert is open.
    let is_open = |step: &&&Step| step.now.track.phase != Phase::Clear;
    for step in last.values().filter(|step| !is_open(step)) {
        if step.turn == Turn::Dropped {
            FORGET.bind(tenant).bind(step.now.alert).execute(&mut txn).await?;
        } else {
            write_alert(&mut txn, tenant, step, now).await?;
        }
    }
    for step in last.values().filter(is_open) {
        write_alert(&mut txn, tenant, step, now).await?;
    }
    for step in &*steps {
        let alert = step.now.alert;
        let (became, at, (id, kind), silent) = match step.turn {
            Turn::Fired(at) => {
                let until: Option<i64> = SILENCED.bind(tenant).bind(alert).scalar(&mut txn).await?;
                let silent = until.is_some_and(|until| until > now.0);
                (Became::Firing, at, (1, "fired"), silent)
            }
            // Who was told that it fires is told that it is over, silent or not; nobody else is.
            Turn::Resolved(at) => {
                let fired: i64 = FIRED_SILENT.bind(tenant).bind(alert).scalar(&mut txn).await?;
                (Became::Resolved, at, (2, "resolved"), fired > 0)
            }
            _ => continue,
        };
        let note = if silent && became == Became::Firing { Some(SILENT) } else { step.cause };
        let insert = EVENT.bind(tenant).bind(alert).bind(id).bind(now);
        insert.bind(kind).bind(note).execute(&mut txn).await?;
        if !silent {
            let called = (&step.now, &*step.part);
            tell(&mut txn, tenant, called, (became, at), telling).await?;
        }
    }
    txn.commit().await
}

sql! { pub(crate) AUDIBLE =
"SELECT e.tenant_id, e.alert_id FROM alert_event e
 JOIN alert a ON a.tenant_id = e.tenant_id AND a.alert_id = e.alert_id
 WHERE e.note = 'silent' AND e.event_id = 1 AND a.phase = 'firing'
   AND (a.silenced_until IS NULL OR a.silenced_until <= $1)" }
sql! { pub(crate) HEARD =
"UPDATE alert_event SET note = NULL
 WHERE tenant_id = $1 AND alert_id = $2 AND event_id = 1 AND note = 'silent'" }

/// Alerts that fired while they were silent, and are silent no more.
pub(in crate::evaluate) async fn audible(
    txn: &mut Txn,
    now: Micros,
) -> Result<Vec<(TenantId, AlertId)>, StoreError> {
    let rows = AUDIBLE.bind(now).all(txn).await?;
    rows.iter().map(|row: &Row| Ok((TenantId(row.get(0)?), AlertId(row.get(1)?)))).collect()
}

/// Lets people know of an alert whose silence is over.
pub(in crate::evaluate) async fn tell_late(
    database: &Database,
    tenant: TenantId,
    alert: &Tracked,
    telling: Telling<'_>,
) -> Result<(), StoreError> {
    let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
    if HEARD.bind(tenant).bind(alert.alert).execute(&mut txn).await? == 1 {
        let at = alert.fired_at.unwrap_or(alert.began_at);
        let part = part_of(&mut txn, tenant, alert).await?;
        tell(&mut txn, tenant, (alert, &part), (Became::Firing, at), telling).await?;
    }
    txn.commit().await
}

/// Resolved alerts that go in one transaction.
const GROUP_MAX: u32 = 500;

sql! { pub(crate) OLD =
"DELETE FROM alert WHERE tenant_id = $1 AND alert_id IN (
    SELECT alert_id FROM alert
    WHERE tenant_id = $1 AND phase = 'resolved' AND created_at < $2 AND resolved_at < $2
    ORDER BY created_at LIMIT $3)" }

/// Lets go of resolved alerts that are older, and of their history.
pub(in crate::evaluate) async fn sweep(
    database: &Database,
    tenant: TenantId,
    before: Micros,
) -> Result<(), StoreError> {
    loop {
        let mut txn = database.evaluate(EvaluateKey::new(), &[tenant].into()).await?;
        let gone = OLD.bind(tenant).bind(before).bind(GROUP_MAX).execute(&mut txn).await?;
        txn.commit().await?;
        if gone < u64::from(GROUP_MAX) {
            return Ok(());
        }
    }
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
        wrong: step.now.wrong.clone(),
        group: step.now.group.map(|group| group as u32),
        samples: step.now.samples.iter().map(|(at, seen)| (at.0, seen.clone())).collect(),
    };
    let corrupt = |error: serde_json::Error| StoreError::Corrupt { what: error.to_string() };
    let evidence = serde_json::to_string(&evidence).map_err(corrupt)?;
    let insert = WRITE.bind(tenant).bind(*alert).bind(rule.id).bind(&rule.name);
    let insert = insert.bind(rule.severity as i64).bind(step.now.site);
    let insert = insert.bind(subject.agent).bind(subject.device).bind(&*subject.object);
    let insert = insert.bind(phase).bind(cause).bind(step.now.began_at);
    let insert = insert.bind(step.now.fired_at).bind(track.last).bind(well_at).bind(resolved_at);
    let insert = insert.bind(evidence).bind(step.now.told).bind(now).bind(&step.part);
    insert.execute(txn).await?;
    Ok(())
}

/// Lets people know.
async fn tell(
    txn: &mut Txn,
    tenant: TenantId,
    (alert, part): (&Tracked, &str),
    (became, at): (Became, Micros),
    Telling { directory, web, ids, now }: Telling<'_>,
) -> Result<(), StoreError> {
    let Tracked { rule, subject, site, .. } = alert;
    let (site, name) = (*site, alert.name.as_str());
    let agent = match (subject.device, directory.agents.get(&subject.agent)) {
        (None, _) => name,
        (Some(_), agent) => agent.map_or("", |agent| &agent.name),
    };
    let nothing = BTreeSet::new();
    let place = subject.device.and_then(|id| directory.devices.get(&id));
    let tags = place.map_or(&nothing, |place| &place.tags);
    let summary = summary(name, (&subject.object, part), &rule.condition, &alert.wrong);
    let transition = Transition {
        tenant,
        alert: alert.alert,
        number: alert.told,
        became,
        rule: (rule.id, &rule.name),
        severity: rule.severity,
        site: (site, directory.sites.get(&site).map_or("", String::as_str)),
        agent: (subject.agent, agent),
        device: subject.device.map(|id| (id, name)),
        tags,
        object: (&subject.object, part),
        summary: &summary,
        wrong: &alert.wrong,
        began_at: alert.began_at,
        fired_at: alert.fired_at,
        at,
        web,
    };
    enqueue(txn, &transition, ids, now).await?;
    Ok(())
}
