//! What each way of asking has told, as it goes out.

use serde::Serialize;
use utoipa::ToSchema;

use super::reply::{Cause, State as Health, Time};
use crate::live::State;
use crate::live::view::{LiveGateway, LivePing, LiveSnmp};

/// What SNMP tells of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnmpPoll {
    state: Health,
    cause: Option<Cause>,
    rtt_ms: Option<f64>,
    at: Option<Time>,
    /// When it answered last: how old its figures are. Null until it does, and where the collector has
    /// started since.
    answered_at: Option<Time>,
    /// Whether its figures are still to be believed: one lost answer does not end them.
    holds: bool,
}

/// What the last burst of echo requests tells of a device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Icmp {
    state: Health,
    cause: Option<Cause>,
    loss_percent: Option<f64>,
    rtt_ms: Option<f64>,
    /// Mean difference of one answer's time to the next one's.
    jitter_ms: Option<f64>,
    at: Option<Time>,
}

/// The first hop of the agent's site, as the agent pinged it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Gateway {
    address: String,
    loss_percent: f64,
    rtt_ms: Option<f64>,
    jitter_ms: Option<f64>,
    at: Option<Time>,
}

fn health(state: State) -> Health {
    Health::from_name(state.name()).unwrap_or(Health::Unknown)
}

impl From<&LiveSnmp> for SnmpPoll {
    fn from(live: &LiveSnmp) -> Self {
        Self {
            state: health(live.state),
            cause: live.cause.and_then(Cause::from_name),
            rtt_ms: live.rtt_ms,
            at: live.at.map(Time),
            answered_at: live.answered_at.map(Time),
            holds: live.holds,
        }
    }
}

impl From<&LivePing> for Icmp {
    fn from(live: &LivePing) -> Self {
        Self {
            state: health(live.state),
            cause: live.cause.and_then(Cause::from_name),
            loss_percent: live.loss_percent,
            rtt_ms: live.rtt_ms,
            jitter_ms: live.jitter_ms,
            at: live.at.map(Time),
        }
    }
}

impl From<&LiveGateway> for Gateway {
    fn from(live: &LiveGateway) -> Self {
        Self {
            address: live.address.clone(),
            loss_percent: live.loss_percent,
            rtt_ms: live.rtt_ms,
            jitter_ms: live.jitter_ms,
            at: live.at.map(Time),
        }
    }
}
