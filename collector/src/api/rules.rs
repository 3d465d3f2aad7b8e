//! Rules: what is looked for, and when it is wrong.

pub(super) mod preview;

use axum::extract::State;
use farwatch_common::id::{RuleId, TenantId};
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, listed};
use super::request::{Json, Params, PathId};
use super::tenants::{OfTenant, tenant_named};
use crate::evaluate::metric::{self, METRICS};
use crate::evaluate::rule::written::SeverityText;
use crate::evaluate::rule::{Condition, Rule as Checked, Scope, Written};
use crate::evaluate::rules::{self, rule_create, rule_delete, rule_get, rule_list};
use crate::identity::Access;
use crate::identity::places::{Place, Places};
use crate::inventory::require;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rule {
    id: String,
    tenant: Ref,
    name: String,
    /// `info`, `warning` or `critical`.
    severity: &'static str,
    enabled: bool,
    scope: Scope,
    condition: Condition,
    /// So long it has to be wrong before the alert fires.
    for_s: u32,
    /// So long it has to be well before the alert is resolved.
    resolve_after_s: u32,
}

fn show(kept: rules::Kept) -> Rule {
    let written = Written::of(&kept.rule);
    Rule {
        id: kept.rule.id.to_string(),
        tenant: kept.tenant.into(),
        name: written.name,
        severity: written.severity.0.name(),
        enabled: written.enabled,
        scope: written.scope,
        condition: written.condition,
        for_s: written.for_s,
        resolve_after_s: written.resolve_after_s,
    }
}

/// Rules
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules", params(OfTenant),
    responses((status = 200, body = List<Rule>)))]
pub(super) async fn rules(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Rule>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = rule_list(&state.db, &context, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.rule.name.clone(), row.rule.id.0), show)
}

/// A rule
#[utoipa::path(get, path = "/api/v1/rules/{id}", tag = "rules", params(("id" = String, Path)),
    responses((status = 200, body = Data<Rule>)))]
pub(super) async fn rule(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
) -> Result<Data<Rule>, Error> {
    Ok(Data { data: show(rule_get(&state.db, &caller.context, id).await?) })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRule {
    tenant: String,
    name: String,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String)]
    severity: SeverityText,
    enabled: Option<bool>,
    #[serde(default)]
    scope: Scope,
    condition: Condition,
    /// 0 if not given: it fires with the first reading that is wrong.
    #[serde(default)]
    for_s: u32,
    #[serde(default)]
    resolve_after_s: u32,
}

/// Refuses a rule that cannot be, with the field that is wrong.
fn checked(rule: &Checked) -> Result<(), Error> {
    rule.check().map_err(|error| Error::field(error.field(), error.to_string()))
}

/// Make a rule
#[utoipa::path(post, path = "/api/v1/rules", tag = "rules", request_body = NewRule,
    responses((status = 201, body = Data<Rule>)))]
pub(super) async fn rule_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewRule>,
) -> Result<(StatusCode, Data<Rule>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Admin)?;
    let written = Written {
        name: body.name,
        severity: body.severity,
        enabled: body.enabled.unwrap_or(true),
        scope: body.scope,
        condition: body.condition,
        for_s: body.for_s,
        resolve_after_s: body.resolve_after_s,
    };
    checked(&written.clone().into_rule(tenant, RuleId(0)))?;
    to_the_end(async move {
        let (target, now) = ((tenant, written), state.clock.now());
        let made = rule_create(&state.db, &caller.context, &state.ids, target, now).await?;
        state.rules.changed(tenant);
        Ok((StatusCode::CREATED, Data { data: show(made) }))
    })
    .await
}

/// What is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleChange {
    name: Option<String>,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = Option<String>)]
    severity: Option<SeverityText>,
    enabled: Option<bool>,
    scope: Option<Scope>,
    condition: Option<Condition>,
    for_s: Option<u32>,
    resolve_after_s: Option<u32>,
}

impl RuleChange {
    fn of(self, before: &Checked) -> Checked {
        let Written { name, severity, enabled, scope, condition, for_s, resolve_after_s } =
            Written::of(before);
        let after = Written {
            name: self.name.unwrap_or(name),
            severity: self.severity.unwrap_or(severity),
            enabled: self.enabled.unwrap_or(enabled),
            scope: self.scope.unwrap_or(scope),
            condition: self.condition.unwrap_or(condition),
            for_s: self.for_s.unwrap_or(for_s),
            resolve_after_s: self.resolve_after_s.unwrap_or(resolve_after_s),
        };
        after.into_rule(before.tenant, before.id)
    }
}

/// Change a rule
///
/// The open alerts of a rule that is changed are resolved, and what is wrong by the new one begins
/// anew.
#[utoipa::path(patch, path = "/api/v1/rules/{id}", tag = "rules",
    params(("id" = String, Path)), request_body = RuleChange,
    responses((status = 200, body = Data<Rule>)))]
pub(super) async fn rule_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
    Json(body): Json<RuleChange>,
) -> Result<Data<Rule>, Error> {
    let before = rule_get(&state.db, &caller.context, id).await?;
    let tenant = before.tenant.id;
    require(&caller.context, tenant, Access::Admin)?;
    to_the_end(async move {
        let (target, now) = ((tenant, id), state.clock.now());
        let change = |before: &Checked| {
            let after = body.of(before);
            checked(&after)?;
            Ok(after)
        };
        let changed = rules::rule_change::<Error>(&state.db, &caller.context, target, change, now);
        let kept = changed.await?;
        state.rules.changed(kept.tenant.id);
        Ok(Data { data: show(kept) })
    })
    .await
}

/// Delete a rule
///
/// Its open alerts are resolved.
#[utoipa::path(delete, path = "/api/v1/rules/{id}", tag = "rules",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn rule_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RuleId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        let now = state.clock.now();
        let tenant: TenantId = rule_delete(&state.db, &caller.context, id, now).await?;
        state.rules.changed(tenant);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Stored rows that are told anew at one time, over all tenants: each holds up to 200,000 of them.
const REPLAYS_MAX: usize = 4;
const REPLAYS_PER_TENANT_MAX: usize = 2;

/// Places for those who have stored rows told anew.
#[derive(Debug)]
pub(super) struct Replays(Places<TenantId>);

impl Default for Replays {
    fn default() -> Self {
        Self(Places::new(REPLAYS_MAX, REPLAYS_PER_TENANT_MAX))
    }
}

impl Replays {
    /// `None`: all are taken.
    pub(super) fn take(&self, tenant: TenantId) -> Option<Place<TenantId>> {
        self.0.take(tenant).ok()
    }
}

/// A value that rules can look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleMetric {
    name: &'static str,
    /// A word or two.
    title: &'static str,
    unit: &'static str,
    /// `device`: one value of each device; `object`: one of each object that has it.
    about: &'static str,
    /// For people.
    words: &'static str,
}

/// The metrics that rules can look at
#[utoipa::path(get, path = "/api/v1/rules/metrics", tag = "rules",
    responses((status = 200, body = Data<Vec<RuleMetric>>)))]
pub(super) async fn rule_metrics(_: Caller) -> Data<Vec<RuleMetric>> {
    let show = |metric: &metric::Metric| RuleMetric {
        name: metric.name,
        title: metric.title,
        unit: metric.unit,
        about: metric.about.name(),
        words: metric.words,
    };
    Data { data: METRICS.iter().map(show).collect() }
}
