//! Which alerts rules would have opened: what is stored of each device is told anew to an engine that
//! has these rules alone.

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, DeviceId};

use super::{BACK, Opened, Past, REPLAYED_MAX, ROWS_MAX, SHOWN_MAX, or_left_out};
use crate::evaluate::engine::Engine;
use crate::evaluate::engine::directory::Directory;
use crate::evaluate::engine::step::Step;
use crate::evaluate::rule::Rule;
use crate::evaluate::track::Turn;
use crate::identity::TenantContext;
use crate::live::Live;
use crate::live::replay::Replay;
use crate::store::samples::DeviceRows;
use crate::store::{Samples, StoreError};

pub(super) async fn replayed(
    context: &TenantContext,
    (live, samples): (&Live, &Samples),
    (rule, directory): (&Rule, &Directory),
    devices: &[DeviceId],
    now: Micros,
) -> Result<Past, StoreError> {
    let (from, to) = (now.before(BACK), now);
    // When agents came and went, and what was wrong with them, is not stored.
    let is_known = !rule.condition.is_of_agents();
    let mut past = Past { from, to, is_known, devices: 0, total: 0, opened: Vec::new() };
    let mut left = ROWS_MAX;
    for device in devices.iter().take(REPLAYED_MAX) {
        let found = samples.rows(context, *device, (from, to), left).await;
        let Some(found) = or_left_out(found)? else { break };
        left -= found.rows.len();
        past.devices += 1;
        let place = directory.devices.get(device);
        let one = Directory {
            sites: directory.sites.clone(),
            agents: directory.agents.clone(),
            devices: place.map(|place| (*device, place.clone())).into_iter().collect(),
        };
        let opened = told_anew(live, (vec![rule.clone()], one), *device, found, from).await?;
        past.opened.extend(opened.into_iter().map(|(_, opened)| opened));
    }
    past.opened.sort_by_key(|opened| opened.fired_at);
    past.total = past.opened.len();
    past.opened.truncate(SHOWN_MAX);
    Ok(past)
}

fn broken() -> StoreError {
    StoreError::Corrupt { what: "rows that broke the trial of a rule".into() }
}

/// The alerts that the rows of one device would have opened, with their rules.
pub(in crate::evaluate) async fn told_anew(
    live: &Live,
    (rules, directory): (Vec<Rule>, Directory),
    device: DeviceId,
    found: DeviceRows,
    from: Micros,
) -> Result<Vec<(Arc<Rule>, Opened)>, StoreError> {
    let live = live.clone();
    // It takes a while: not on a thread that others wait for.
    let work = move || opened((rules, directory), &live, device, found, from);
    tokio::task::spawn_blocking(work).await.map_err(|_| broken())
}

fn opened(
    (rules, directory): (Vec<Rule>, Directory),
    live: &Live,
    device: DeviceId,
    found: DeviceRows,
    from: Micros,
) -> Vec<(Arc<Rule>, Opened)> {
    let DeviceRows { tenant, agent, interval, rows } = found;
    let metrics = rules.iter().filter_map(|rule| rule.condition.metric());
    let metrics = metrics.map(str::to_owned).collect();
    let interval_s = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
    let ports = live.interfaces(tenant, device);
    let mut replay = Replay::new((tenant, agent, device), interval_s, &ports, metrics, from);
    let mut engine = Engine::default();
    engine.set_rules(tenant, rules, from);
    engine.set_directory(tenant, directory, from);
    let mut last = 0;
    let mut opened = Vec::new();
    for row in rows {
        let Some(layout) = live.layout(tenant, row.schema) else { continue };
        for seen in replay.take(row, &layout) {
            let mut new = || {
                last += 1;
                AlertId(last)
            };
            for step in engine.observe(&seen, &mut new) {
                take(&mut opened, device, &step);
            }
        }
    }
    opened.into_iter().map(|(_, rule, opened)| (rule, opened)).collect()
}

type Found = (AlertId, Arc<Rule>, Opened);

fn take(all: &mut Vec<Found>, device: DeviceId, step: &Step) {
    let now = &step.now;
    match step.turn {
        Turn::Fired(at) => {
            let opened = Opened {
                device,
                name: now.name.clone(),
                object: now.subject.object.to_string(),
                object_name: String::new(),
                began_at: now.began_at,
                fired_at: at,
                resolved_at: None,
                value: now.wrong.value,
            };
            all.push((now.alert, Arc::clone(&now.rule), opened));
        }
        Turn::Resolved(at) => {
            let one = all.iter_mut().rev().find(|(id, ..)| *id == now.alert);
            if let Some((.., opened)) = one {
                opened.resolved_at = Some(at);
            }
        }
        _ => {}
    }
}
