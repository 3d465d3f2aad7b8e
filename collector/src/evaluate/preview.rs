//! Tries a rule: what it says of what is known now, and which alerts it would have opened lately.
//!
//! - in: a rule that was checked; what is known from `live`, and rows from the store
//! - out: a [`Preview`]; nothing is kept
//! - bound: [`DEVICES_MAX`] devices now, of which [`REPLAYED_MAX`] are told anew for [`BACK`], with
//!   [`ROWS_MAX`] rows of them all
//! - when full: the rest is left out, and said to be
//! - on crash: whoever asked asks again

mod now;
pub(super) mod past;

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId};

use super::engine::directory::Directory;
use super::rule::{Look, Rule};
use super::store::part::part_name;
use super::store::places;
use crate::identity::{Access, TenantContext};
use crate::inventory::{InventoryError, require};
use crate::live::Live;
use crate::store::{Database, Samples, StoreError};

/// Devices, or agents, that are looked at.
pub const DEVICES_MAX: usize = 1_000;
/// Things that are named; all are counted.
pub const SHOWN_MAX: usize = 200;
/// Devices whose history is looked at.
pub const REPLAYED_MAX: usize = 50;
/// Rows of their history, in all.
pub const ROWS_MAX: usize = 200_000;
/// So far back.
pub const BACK: Duration = Duration::from_secs(24 * 3600);

/// What a rule says.
#[derive(Debug)]
pub struct Preview {
    /// Devices, or agents, in its scope, and how many of them were looked at.
    pub in_scope: usize,
    pub looked_at: usize,
    /// What is wrong, between the limits, well, and not known now.
    pub counts: Counts,
    /// What is wrong comes first.
    pub things: Vec<Thing>,
    pub past: Past,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub wrong: usize,
    pub between: usize,
    pub well: usize,
    pub unknown: usize,
}

/// Something that the rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    /// `None`: the agent itself.
    pub device: Option<DeviceId>,
    pub agent: AgentId,
    /// Of the device, or of the agent.
    pub name: String,
    pub object: String,
    /// What the object is called; empty is without a name.
    pub object_name: String,
    pub look: Look,
    pub value: Option<f64>,
    /// Where the rule looks at states.
    pub state: Option<&'static str>,
}

/// What would have been.
#[derive(Debug)]
pub struct Past {
    pub from: Micros,
    pub to: Micros,
    /// `false`: what the rule looks at is not stored.
    pub is_known: bool,
    /// Devices whose rows were looked at.
    pub devices: usize,
    /// How many there are; the oldest are named.
    pub total: usize,
    pub opened: Vec<Opened>,
}

/// An alert that would have fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub device: DeviceId,
    pub name: String,
    pub object: String,
    pub object_name: String,
    pub began_at: Micros,
    pub fired_at: Micros,
    /// `None`: it would still fire.
    pub resolved_at: Option<Micros>,
    /// The one it fired with.
    pub value: Option<f64>,
}

/// Tries a rule that was checked; the tenant is the rule's.
pub async fn preview(
    db: &Database,
    context: &TenantContext,
    (live, samples): (&Live, &Samples),
    rule: &Rule,
    now: Micros,
) -> Result<Preview, InventoryError> {
    require(context, rule.tenant, Access::Admin)?;
    let directory = directory(db, context, rule).await?;
    let (agents, devices) = in_scope(&directory, rule);
    let in_scope = agents.len() + devices.len();
    let agents: Vec<_> = agents.into_iter().take(DEVICES_MAX).collect();
    let devices: Vec<_> = devices.into_iter().take(DEVICES_MAX).collect();
    let looked_at = agents.len() + devices.len();
    let metrics = rule.condition.metric().map(str::to_owned).into_iter().collect();
    let told = live.seen_now(rule.tenant, (&agents, &devices), metrics);
    let (counts, mut things) = now::said(rule, &directory, &told);
    let of_past = (rule, &directory);
    let mut past = past::replayed(context, (live, samples), of_past, &devices, now).await?;
    let mut txn = db.read(context).await?;
    let things_named = things
        .iter_mut()
        .filter_map(|thing| Some((thing.device?, &*thing.object, &mut thing.object_name)));
    let opened = past.opened.iter_mut();
    let opened = opened.map(|one| (one.device, &*one.object, &mut one.object_name));
    for (device, object, name) in things_named.chain(opened) {
        *name = part_name(&mut txn, rule.tenant, device, object).await?;
    }
    Ok(Preview { in_scope, looked_at, counts, things, past })
}

async fn directory(
    db: &Database,
    context: &TenantContext,
    rule: &Rule,
) -> Result<Directory, InventoryError> {
    let mut txn = db.read(context).await?;
    let directory = places::directory(&mut txn, rule.tenant).await?;
    let known = |site: &super::rule::SiteText| directory.sites.contains_key(&site.0);
    if rule.scope.sites.iter().all(known) { Ok(directory) } else { Err(InventoryError::NotFound) }
}

/// What the rule is for, by name.
fn in_scope(directory: &Directory, rule: &Rule) -> (Vec<AgentId>, Vec<DeviceId>) {
    let about_agents = rule.condition.is_of_agents();
    let mut agents: Vec<_> = directory.agents.iter().filter(|_| about_agents).collect();
    agents.retain(|(_, agent)| rule.scope.holds(agent.place()));
    agents.sort_unstable_by_key(|(id, agent)| (&agent.name, **id));
    let mut devices: Vec<_> = directory.devices.iter().filter(|_| !about_agents).collect();
    devices.retain(|(_, device)| rule.scope.holds(device.place()));
    devices.sort_unstable_by_key(|(id, device)| (&device.name, **id));
    let agents = agents.into_iter().map(|(id, _)| *id).collect();
    (agents, devices.into_iter().map(|(id, _)| *id).collect())
}

/// There was too much of it, so that it is left out; other errors stay.
fn or_left_out<T>(answer: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Err(StoreError::TooMuch { .. }) => Ok(None),
        answer => answer,
    }
}
