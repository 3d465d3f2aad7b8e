//! Core: a rule as JSON, in the API and in the evidence of alerts.

use std::time::Duration;

use farwatch_common::id::{RuleId, TenantId};
use serde::{Deserialize, Serialize};

use super::{Condition, Rule, Scope};
use crate::evaluate::severity::Severity;

/// A rule without its id, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub name: String,
    pub severity: SeverityText,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub scope: Scope,
    pub condition: Condition,
    #[serde(default)]
    pub for_s: u32,
    #[serde(default)]
    pub resolve_after_s: u32,
}

fn yes() -> bool {
    true
}

/// `info`, `warning` or `critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct SeverityText(pub Severity);

impl TryFrom<String> for SeverityText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let severity = Severity::from_name(&text).map(Self);
        severity.ok_or_else(|| format!("{text:?} is no severity: info, warning or critical"))
    }
}

impl From<SeverityText> for &'static str {
    fn from(severity: SeverityText) -> Self {
        severity.0.name()
    }
}

impl Written {
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        Self {
            name: rule.name.clone(),
            severity: SeverityText(rule.severity),
            enabled: rule.enabled,
            scope: rule.scope.clone(),
            condition: rule.condition.clone(),
            for_s: seconds(rule.wait),
            resolve_after_s: seconds(rule.resolve_after),
        }
    }

    #[must_use]
    pub fn into_rule(self, tenant: TenantId, id: RuleId) -> Rule {
        Rule {
            tenant,
            id,
            name: self.name,
            severity: self.severity.0,
            enabled: self.enabled,
            scope: self.scope,
            condition: self.condition,
            wait: Duration::from_secs(self.for_s.into()),
            resolve_after: Duration::from_secs(self.resolve_after_s.into()),
        }
    }
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
