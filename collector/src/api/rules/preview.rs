//! A rule is tried before it is kept.

use axum::extract::State;
use farwatch_common::id::RuleId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Data, checked};
use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::Time;
use crate::api::request::Json;
use crate::api::tenants::tenant_named;
use crate::evaluate::preview::{self, preview};
use crate::evaluate::rule::written::SeverityText;
use crate::evaluate::rule::{Condition, Look, Scope, Written};
use crate::evaluate::severity::Severity;
use crate::identity::Access;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct TriedRule {
    tenant: String,
    #[serde(default)]
    scope: Scope,
    condition: Condition,
    #[serde(default)]
    for_s: u32,
    #[serde(default)]
    resolve_after_s: u32,
}

/// What the rule says of what is known now, and what it would have said in the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RulePreview {
    /// Devices, or agents, that it is for.
    in_scope: usize,
    /// Of them, those that were looked at: the first 1000 by name.
    looked_at: usize,
    counts: RuleCounts,
    /// Up to 200 of what is counted; what is wrong comes first.
    things: Vec<RuleThing>,
    past: RulePast,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuleCounts {
    wrong: usize,
    between: usize,
    well: usize,
    unknown: usize,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum RuleLook {
    Wrong,
    /// Between the limit and where it is well again: nothing begins and nothing ends.
    Between,
    Well,
    Unknown,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuleThing {
    /// Null: the agent itself.
    device: Option<String>,
    agent: String,
    /// Of the device, or of the agent.
    name: String,
    /// Of the device; empty is the device itself.
    object: String,
    /// What the object is called; null where it has no name.
    object_name: Option<String>,
    look: RuleLook,
    /// Null where the rule looks at states, or nobody can tell.
    value: Option<f64>,
    /// Where the rule looks at states.
    state: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RulePast {
    from: Time,
    to: Time,
    /// False: what the rule looks at is not stored.
    is_known: bool,
    /// Devices whose history was looked at.
    devices: usize,
    /// In scope, and left out: 50 devices and 200,000 rows are looked at.
    left_out: usize,
    /// How many alerts there would have been; the oldest 200 follow.
    total: usize,
    alerts: Vec<RuleWouldAlert>,
}

/// An alert that would have fired. Event times.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RuleWouldAlert {
    device: String,
    name: String,
    object: String,
    object_name: Option<String>,
    began_at: Time,
    fired_at: Time,
    /// Null: it would still fire.
    resolved_at: Option<Time>,
    /// The one it would have fired with.
    value: Option<f64>,
}

fn thing(thing: preview::Thing) -> RuleThing {
    RuleThing {
        device: thing.device.map(|id| id.to_string()),
        agent: thing.agent.to_string(),
        name: thing.name,
        object: thing.object,
        object_name: Some(thing.object_name).filter(|name| !name.is_empty()),
        look: match thing.look {
            Look::Breach => RuleLook::Wrong,
            Look::Band => RuleLook::Between,
            Look::Well => RuleLook::Well,
            Look::Unknown => RuleLook::Unknown,
        },
        value: thing.value,
        state: thing.state,
    }
}

fn past(past: preview::Past, in_scope: usize) -> RulePast {
    let alert = |opened: preview::Opened| RuleWouldAlert {
        device: opened.device.to_string(),
        name: opened.name,
        object: opened.object,
        object_name: Some(opened.object_name).filter(|name| !name.is_empty()),
        began_at: Time(opened.began_at),
        fired_at: Time(opened.fired_at),
        resolved_at: opened.resolved_at.map(Time),
        value: opened.value,
    };
    RulePast {
        from: Time(past.from),
        to: Time(past.to),
        is_known: past.is_known,
        devices: past.devices,
        left_out: if past.is_known { in_scope.saturating_sub(past.devices) } else { 0 },
        total: past.total,
        alerts: past.opened.into_iter().map(alert).collect(),
    }
}

/// Try a rule
///
/// Nothing is kept. What is wrong now need not be an alert: it has to last for `for_s`, and an
/// interface has to have been up.
#[utoipa::path(post, path = "/api/v1/rules/preview", tag = "rules", request_body = TriedRule,
    responses((status = 200, body = Data<RulePreview>)))]
pub(in crate::api) async fn rule_preview(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<TriedRule>,
) -> Result<Data<RulePreview>, Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Admin)?;
    let written = Written {
        name: "preview".to_owned(),
        severity: SeverityText(Severity::Info),
        enabled: true,
        scope: body.scope,
        condition: body.condition,
        for_s: body.for_s,
        resolve_after_s: body.resolve_after_s,
    };
    let rule = written.into_rule(tenant, RuleId(0));
    checked(&rule)?;
    let Some(_place) = state.own.replays.take(tenant) else {
        let detail = "The tenant tries a rule already; try again in a moment.";
        return Err(Error::busy("previews_busy", detail, 2));
    };
    let context = caller.context.narrowed(tenant);
    let sources = (&state.live, &state.samples);
    let found = preview(&state.db, &context, sources, &rule, state.clock.now()).await?;
    let preview::Counts { wrong, between, well, unknown } = found.counts;
    let data = RulePreview {
        in_scope: found.in_scope,
        looked_at: found.looked_at,
        counts: RuleCounts { wrong, between, well, unknown },
        things: found.things.into_iter().map(thing).collect(),
        past: past(found.past, found.in_scope),
    };
    Ok(Data { data })
}
