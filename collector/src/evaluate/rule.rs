//! Core: what is looked for, when it is wrong, and how both are written as JSON.

pub mod glob;
mod judge;
pub mod scope;
#[cfg(test)]
mod tests;
mod trouble;
pub mod written;

use std::collections::BTreeSet;
use std::time::Duration;

use farwatch_common::id::{RuleId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metric::{About, metric};
use super::severity::Severity;
use crate::live::State;
pub use judge::Look;
use scope::SCOPE_MAX;
pub use scope::{Scope, SiteText};
pub use trouble::Trouble;
pub use written::Written;

/// Rules of one tenant.
pub const RULES_MAX: u32 = 200;
pub const NAME_CHARS_MAX: usize = 100;
/// Longest pattern of objects.
const GLOB_BYTES_MAX: usize = 128;
/// Longest time to wait before an alert fires or is resolved.
pub const WAIT_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A rule as people write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub tenant: TenantId,
    pub id: RuleId,
    pub name: String,
    pub severity: Severity,
    pub enabled: bool,
    pub scope: Scope,
    pub condition: Condition,
    /// How long it has to be wrong before the alert fires.
    pub wait: Duration,
    /// How long it has to be well before the alert is resolved.
    pub resolve_after: Duration,
}

/// What is looked at, and when it is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = RuleCondition)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    DeviceState {
        states: Vec<BadState>,
    },
    /// The agent is offline.
    AgentState {},
    /// Something is wrong with an agent that is there: one alert for each kind.
    AgentTrouble {
        #[schema(value_type = Vec<Trouble>)]
        kinds: BTreeSet<Trouble>,
    },
    /// An interface that is switched on, and was up, is down.
    InterfaceState {
        #[serde(default = "any")]
        object: String,
    },
    Metric {
        name: String,
        #[serde(default = "any")]
        object: String,
        is: Side,
        limit: f64,
        /// Where it is well again; without it, at the limit.
        #[serde(default)]
        clear: Option<f64>,
    },
    /// There were values, and for a while there are none; the agent is online.
    Absence {
        name: String,
        #[serde(default = "any")]
        object: String,
    },
}

/// States of a device that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BadState {
    Degraded,
    Down,
}

impl BadState {
    fn is(self, state: State) -> bool {
        match self {
            Self::Degraded => state == State::Degraded,
            Self::Down => state == State::Down,
        }
    }
}

/// On which side of its limit a value is wrong. The limit itself is wrong too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Above,
    Below,
}

fn any() -> String {
    "*".to_owned()
}

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("{0} is no metric that rules can look at; GET /api/v1/rules/metrics lists them")]
    NoMetric(String),
    #[error("{0} is one value of the device, so `object` has to be left out or be *")]
    NoObjects(String),
    #[error("`object` has to have 1 to {GLOB_BYTES_MAX} bytes; * stands for any characters")]
    Glob,
    #[error("`states` names no state; name degraded, down or both")]
    NoStates,
    #[error("`kinds` names nothing; name clock, cloned, losing or more of them")]
    NoTroubles,
    #[error("`limit` and `clear` have to be finite numbers")]
    NotFinite,
    #[error("`clear` has to lie below `limit` where values above it are wrong, and else above it")]
    Clear,
    #[error("a name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    Name,
    #[error("{0:?} cannot be a tag")]
    Tag(String),
    #[error(
        "a kind is a pattern of 1 to {GLOB_BYTES_MAX} bytes, without control characters: {0:?}"
    )]
    Kind(String),
    #[error("a scope names at most {max} sites, {max} tags and {max} kinds", max = SCOPE_MAX)]
    Scope,
    #[error("`{0}` has to be at most {max} seconds, a week", max = WAIT_MAX.as_secs())]
    Wait(&'static str),
    #[error("`for_s` has to be above 0: a value is always absent for a moment")]
    NoWait,
    #[error("tags and kinds are of devices: a rule about agents has sites alone")]
    AgentTags,
}

impl RuleError {
    /// The field of the request that is wrong.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Tag(_) | Self::Kind(_) | Self::Scope | Self::AgentTags => "scope",
            Self::Wait(field) => field,
            Self::NoWait => "for_s",
            _ => "condition",
        }
    }
}

impl Rule {
    /// Whether it can be kept.
    pub fn check(&self) -> Result<(), RuleError> {
        let chars = self.name.chars().count();
        if chars == 0 || chars > NAME_CHARS_MAX || self.name.chars().any(char::is_control) {
            return Err(RuleError::Name);
        }
        if self.wait > WAIT_MAX {
            return Err(RuleError::Wait("for_s"));
        }
        if self.resolve_after > WAIT_MAX {
            return Err(RuleError::Wait("resolve_after_s"));
        }
        self.scope.check()?;
        match &self.condition {
            condition if condition.is_of_agents() && self.scope.is_of_devices() => {
                Err(RuleError::AgentTags)
            }
            Condition::Absence { .. } if self.wait.is_zero() => Err(RuleError::NoWait),
            condition => condition.check(),
        }
    }
}

impl Condition {
    fn check(&self) -> Result<(), RuleError> {
        match self {
            Self::DeviceState { states } if states.is_empty() => Err(RuleError::NoStates),
            Self::AgentTrouble { kinds } if kinds.is_empty() => Err(RuleError::NoTroubles),
            Self::DeviceState { .. } | Self::AgentState {} | Self::AgentTrouble { .. } => Ok(()),
            Self::InterfaceState { object } => check_glob(object),
            Self::Metric { name, object, is, limit, clear } => {
                check_metric(name, object)?;
                if !limit.is_finite() || clear.is_some_and(|clear| !clear.is_finite()) {
                    return Err(RuleError::NotFinite);
                }
                let beyond = |clear: f64| match is {
                    Side::Above => clear > *limit,
                    Side::Below => clear < *limit,
                };
                if clear.is_some_and(beyond) { Err(RuleError::Clear) } else { Ok(()) }
            }
            Self::Absence { name, object } => check_metric(name, object),
        }
    }

    /// Whether it looks at agents, and not at devices.
    #[must_use]
    pub fn is_of_agents(&self) -> bool {
        matches!(self, Self::AgentState {} | Self::AgentTrouble { .. })
    }

    /// The metric it looks at, if it looks at one.
    #[must_use]
    pub fn metric(&self) -> Option<&str> {
        match self {
            Self::Metric { name, .. } | Self::Absence { name, .. } => Some(name),
            Self::DeviceState { .. }
            | Self::AgentState {}
            | Self::AgentTrouble { .. }
            | Self::InterfaceState { .. } => None,
        }
    }

    /// Whether it looks at this object of a device.
    #[must_use]
    pub fn looks_at(&self, name: &str) -> bool {
        match self {
            Self::InterfaceState { object }
            | Self::Metric { object, .. }
            | Self::Absence { object, .. } => glob::matches(object, name),
            Self::AgentTrouble { kinds } => kinds.iter().any(|kind| kind.name() == name),
            Self::DeviceState { .. } | Self::AgentState {} => name.is_empty(),
        }
    }
}

fn check_glob(object: &str) -> Result<(), RuleError> {
    let fits = !object.is_empty() && object.len() <= GLOB_BYTES_MAX;
    if fits { Ok(()) } else { Err(RuleError::Glob) }
}

fn check_metric(name: &str, object: &str) -> Result<(), RuleError> {
    check_glob(object)?;
    match metric(name) {
        None => Err(RuleError::NoMetric(name.to_owned())),
        Some(metric) if metric.about == About::Device && object != "*" => {
            Err(RuleError::NoObjects(name.to_owned()))
        }
        Some(_) => Ok(()),
    }
}
