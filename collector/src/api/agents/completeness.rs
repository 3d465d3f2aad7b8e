//! Whether all that an agent polled is there.

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{Data, Ref, Time};
use crate::api::request::{NoQuery, Params, PathId};
use crate::identity::places::{Place, Places};
use crate::inventory::agent::agent_get;
use crate::live::view::LiveAgent;
use crate::store::samples::completeness::{Complete, DeviceComplete, completeness};

/// Agents whose polls are counted at one time, over all tenants, and of one.
const COUNTED_MAX: usize = 4;
const COUNTED_PER_TENANT_MAX: usize = 1;
const RETRY_S: u64 = 2;

/// Places for those who have polls counted.
#[derive(Debug)]
pub(in crate::api) struct Counted(Places<TenantId>);

impl Default for Counted {
    fn default() -> Self {
        Self(Places::new(COUNTED_MAX, COUNTED_PER_TENANT_MAX))
    }
}

impl Counted {
    /// `None`: all are taken.
    pub(in crate::api) fn take(&self, tenant: TenantId) -> Option<Place<TenantId>> {
        self.0.take(tenant).ok()
    }
}

/// Polls of a device, reckoned from its interval: `expected` is the sum of the others.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct DeviceCompleteness {
    device: Ref,
    interval_s: u64,
    #[serde(flatten)]
    polls: PollCount,
}

/// Polls: `expected` is the sum of the others.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PollCount {
    expected: u64,
    stored: u64,
    /// Declared lost: the agent's gaps tell why.
    declared: u64,
    /// Still at the agent, as far as is known.
    awaited: u64,
    /// The agent was stopped, or nothing says that the device was polled: it was added, or came from
    /// another agent.
    not_asked: u64,
    /// None of these. The agent was ended the hard way or too busy for all its polls, the interval was
    /// changed, or they were lost and nobody said so.
    undeclared: u64,
    /// One poll alone is missing between two that are there. It may have come a little late; nothing says
    /// why.
    single: u64,
}

/// Polls of all devices that are counted.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TotalCompleteness {
    #[serde(flatten)]
    polls: PollCount,
    /// The part that is here of those that were due, which are all but those not asked for, 0 to 1; null
    /// where none was due.
    share_stored: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgentCompleteness {
    from: Time,
    to: Time,
    /// Of the devices below.
    total: TotalCompleteness,
    /// By name; at most 1000.
    devices: Vec<DeviceCompleteness>,
}

/// Which polls of an agent's devices are there of those that were due in the last day; in the last six hours or
/// one, where a day is too much to read
///
/// One agent of a tenant at a time.
#[utoipa::path(get, path = "/api/v1/agents/{id}/completeness", tag = "agents",
    params(("id" = String, Path)), responses((status = 200, body = Data<AgentCompleteness>)))]
pub(in crate::api) async fn agent_completeness(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Params(NoQuery {}): Params<NoQuery>,
) -> Result<Data<AgentCompleteness>, Error> {
    let tenant = agent_get(&state.db, &caller.context, id).await?.tenant.id;
    let Some(_place) = state.own.counted.take(tenant) else {
        let detail = "The polls of another agent are being counted; try again in a moment.";
        return Err(Error::busy("counting_busy", detail, RETRY_S));
    };
    let awaited = state.live.agent(tenant, id).as_ref().and_then(awaited_from);
    let now = state.clock.now();
    let found = completeness(&state.db, &caller.context, (tenant, id), awaited, now).await?;
    let devices = found.devices.into_iter().map(DeviceCompleteness::from).collect();
    let (from, to) = (Time(found.from), Time(found.to));
    let share_stored = found.total.share();
    let total = TotalCompleteness { polls: found.total.into(), share_stored };
    Ok(Data { data: AgentCompleteness { from, to, total, devices } })
}

/// The agent has what is younger, or may have it.
fn awaited_from(agent: &LiveAgent) -> Option<Micros> {
    match agent.connected_since {
        Some(_) => agent.buffer.filter(|buffer| buffer.batches > 0)?.oldest_at,
        None => agent.last_ack_at,
    }
}

impl From<DeviceComplete> for DeviceCompleteness {
    fn from(one: DeviceComplete) -> Self {
        let DeviceComplete { device, interval, complete } = one;
        Self { device: device.into(), interval_s: interval.as_secs(), polls: complete.into() }
    }
}

impl From<Complete> for PollCount {
    fn from(complete: Complete) -> Self {
        Self {
            expected: complete.expected(),
            stored: complete.stored,
            declared: complete.declared,
            awaited: complete.awaited,
            not_asked: complete.not_asked,
            undeclared: complete.undeclared,
            single: complete.single,
        }
    }
}
