//! Things that an agent is to do now: poll a device, answer, find a credential that works.

pub(super) mod find;
mod record;

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId};
use farwatch_common::sample::Cause as SampleCause;
use farwatch_proto::v1 as proto;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Cause, Data, Time};
use super::request::{MaybeJson, PathId};
use crate::command::{CommandError, Pinged, told_text as text};
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::inventory::device::device_get;
use crate::inventory::{InventoryError, require};
use record::Record;

/// When an agent that has enough to do should be asked again.
const BUSY_RETRY_S: u64 = 5;

/// Nothing yet; an object, so that something can be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoWishes {}

/// What a poll beside the schedule found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Polled {
    /// By the agent's clock.
    at: Time,
    /// Null: SNMP was not tried.
    snmp: Option<SnmpResult>,
    /// Null: it is not pinged.
    ping: Option<PingResult>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnmpResult {
    ok: bool,
    /// Why it is not; null too where this collector does not know the agent's reason.
    cause: Option<Cause>,
    /// What to do about the cause, one sentence.
    advice: Option<String>,
    rtt_ms: Option<f64>,
    /// Values in the answers.
    values: u32,
    /// The address it answers from, if that is not the one that was asked.
    answers_from: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PingResult {
    ok: bool,
    cause: Option<Cause>,
    sent: u32,
    received: u32,
    /// Null: nothing was sent.
    loss_percent: Option<f64>,
    rtt_ms: Option<f64>,
    jitter_ms: Option<f64>,
    /// Which of the host's addresses was pinged; null: none.
    address: Option<String>,
}

/// How an agent answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentAnswered {
    rtt_ms: f64,
    /// By how much its clock is ahead of the collector's, give or take half of `rtt_ms`; null where
    /// it does not tell its time.
    clock_ahead_ms: Option<f64>,
}

fn cause(number: u32) -> Option<Cause> {
    SampleCause::from_wire(number).and_then(|cause| Cause::from_name(cause.name()))
}

/// For the audit: `ok`, or why not.
fn outcome(number: u32) -> &'static str {
    match number {
        0 => "ok",
        number => SampleCause::from_wire(number).map_or("failed", SampleCause::name),
    }
}

/// Microseconds of what was measured; 0 was not.
fn measured_ms(micros: u32) -> Option<f64> {
    (micros > 0).then(|| f64::from(micros) / 1_000.0)
}

fn snmp_result(outcome: &proto::SnmpOutcome) -> SnmpResult {
    SnmpResult {
        ok: outcome.cause == 0,
        cause: cause(outcome.cause),
        advice: text(&outcome.advice),
        rtt_ms: measured_ms(outcome.rtt_us),
        values: outcome.values,
        answers_from: text(&outcome.answers_from),
    }
}

fn ping_result(outcome: &proto::PingOutcome) -> PingResult {
    let (sent, received) = (outcome.sent, outcome.received.min(outcome.sent));
    let lost = f64::from(sent - received);
    PingResult {
        ok: outcome.cause == 0,
        cause: cause(outcome.cause),
        sent,
        received,
        loss_percent: (sent > 0).then(|| 100.0 * lost / f64::from(sent)),
        rtt_ms: measured_ms(outcome.rtt_us).filter(|_| received > 0),
        // Of one answer there is none.
        jitter_ms: (received > 1).then(|| f64::from(outcome.jitter_us) / 1_000.0),
        address: text(&outcome.address),
    }
}

/// Poll a device now
///
/// Beside its schedule; the samples come the usual way. The agent has 20 s to answer.
#[utoipa::path(post, path = "/api/v1/devices/{id}/poll", tag = "devices",
    params(("id" = String, Path)), request_body = Option<NoWishes>,
    responses((status = 200, body = Data<Polled>)))]
pub(super) async fn device_poll(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _: MaybeJson<NoWishes>,
) -> Result<Data<Polled>, Error> {
    let device = device_get(&state.db, &caller.context, id).await?;
    let tenant = device.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    let errand = state.commands.begin(tenant, device.agent.id)?;
    let record = Record::of(("device", "poll", "poll_outcome"), id.0, device.name);
    let told = |result: &proto::PollNowResult| {
        let snmp = result.snmp.as_ref().map(|snmp| outcome(snmp.cause));
        json!({ "snmp": snmp, "ping": result.ping.as_ref().map(|ping| outcome(ping.cause)) })
    };
    let result = record.keep((state, caller), tenant, errand.poll_now(id), told).await?;
    let data = Polled {
        at: Time(Micros(result.at_us)),
        snmp: result.snmp.as_ref().map(snmp_result),
        ping: result.ping.as_ref().map(ping_result),
    };
    Ok(Data { data })
}

/// Ask an agent whether it answers
#[utoipa::path(post, path = "/api/v1/agents/{id}/ping", tag = "agents",
    params(("id" = String, Path)), request_body = Option<NoWishes>,
    responses((status = 200, body = Data<AgentAnswered>)))]
pub(super) async fn agent_ping(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    _: MaybeJson<NoWishes>,
) -> Result<Data<AgentAnswered>, Error> {
    let agent = agent_get(&state.db, &caller.context, id).await?;
    let tenant = agent.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    if agent.revoked_at.is_some() {
        return Err(InventoryError::Revoked.into());
    }
    let errand = state.commands.begin(tenant, id)?;
    let record = Record::of(("agent", "ping", "ping_outcome"), id.0, agent.name);
    let told = |pinged: &Pinged| json!({ "rtt_ms": pinged.rtt.as_secs_f64() * 1_000.0 });
    let pinged = record.keep((state, caller), tenant, errand.ping(), told).await?;
    let data = AgentAnswered {
        rtt_ms: pinged.rtt.as_secs_f64() * 1_000.0,
        // A clock may be centuries off: no exact number is lost that anybody reads.
        clock_ahead_ms: pinged.clock_ahead_us.map(|micros| micros as f64 / 1_000.0),
    };
    Ok(Data { data })
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            CommandError::Offline => {
                let detail = "The agent is not connected, so nothing can be asked of it now; its \
                              page says since when.";
                conflict("agent_offline", detail)
            }
            CommandError::TooOld => {
                let detail = "This agent's version does not know this yet: update the agent.";
                conflict("agent_too_old", detail)
            }
            CommandError::NotAssigned => {
                let detail = "The agent does not poll this device yet; try again in a moment, and \
                              then look at the agent's log.";
                conflict("not_assigned", detail)
            }
            CommandError::AgentBusy => {
                let detail = "The agent has enough to do for others; try again in a moment.";
                Self::busy("agent_busy", detail, BUSY_RETRY_S)
            }
            CommandError::TenantBusy => {
                let detail = "As much is asked of this tenant's agents now as may be at once; try \
                              again when some of it is answered.";
                Self::busy("tenant_busy", detail, BUSY_RETRY_S)
            }
            CommandError::Busy => {
                let detail = "This collector asks enough of agents now; try again in a moment.";
                Self::busy("commands_busy", detail, BUSY_RETRY_S)
            }
            CommandError::TimedOut => {
                let detail = "The agent is connected and did not answer within 20 s: its line or \
                              its host may be overloaded.";
                Self::new(StatusCode::GATEWAY_TIMEOUT, "agent_timeout", detail)
            }
            CommandError::Failed { reason } => {
                let detail = format!("The agent could not do it; it says: {reason}.");
                Self::new(StatusCode::BAD_GATEWAY, "agent_failed", detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_null() {
        let silent = proto::PingOutcome { cause: 1, sent: 4, ..proto::PingOutcome::default() };
        let ping = serde_json::to_value(ping_result(&silent)).unwrap();
        let expected = serde_json::json!({
            "ok": false, "cause": "timeout", "sent": 4, "received": 0, "loss_percent": 100.0,
            "rtt_ms": null, "jitter_ms": null, "address": null,
        });
        assert_eq!(ping, expected);
        let unsent = ping_result(&proto::PingOutcome { cause: 9, ..Default::default() });
        assert_eq!((unsent.cause, unsent.loss_percent), (Some(Cause::NotPermitted), None));
        // More answers than questions are not believed, nor is a cause that nobody has named.
        let strange = proto::PingOutcome { cause: 999, sent: 1, received: 7, ..Default::default() };
        let strange = ping_result(&strange);
        assert_eq!((strange.ok, strange.cause, strange.loss_percent), (false, None, Some(0.0)));
    }
}
