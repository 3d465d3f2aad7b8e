//! Core: the rules that every tenant begins with.

use super::rule::written::SeverityText;
use super::rule::{BadState, Condition, Scope, Side, Trouble, Written};
use super::severity::Severity;

fn rule(
    name: &str,
    severity: Severity,
    condition: Condition,
    (for_s, resolve_after_s): (u32, u32),
) -> Written {
    Written {
        name: name.to_owned(),
        severity: SeverityText(severity),
        enabled: true,
        scope: Scope::default(),
        condition,
        for_s,
        resolve_after_s,
    }
}

/// Wrong at `limit` and above, well again at `clear`.
fn above(name: &str, limit: f64, clear: f64) -> Condition {
    Condition::Metric {
        name: name.to_owned(),
        object: "*".to_owned(),
        is: Side::Above,
        limit,
        clear: Some(clear),
    }
}

fn trouble(kind: Trouble) -> Condition {
    Condition::AgentTrouble { kinds: [kind].into() }
}

pub(super) fn rules() -> Vec<Written> {
    let down = Condition::DeviceState { states: vec![BadState::Down] };
    let port = Condition::InterfaceState { object: "*".to_owned() };
    vec![
        rule("Device down", Severity::Critical, down, (120, 60)),
        // The device is there, and nothing is known of it.
        rule("SNMP silent", Severity::Warning, above("snmp_failed", 1.0, 0.5), (300, 60)),
        rule("Agent offline", Severity::Critical, Condition::AgentState {}, (120, 60)),
        // Its times are corrected; people who read its logs are misled.
        rule("Agent clock wrong", Severity::Warning, trouble(Trouble::Clock), (60, 60)),
        rule("Agent cloned", Severity::Critical, trouble(Trouble::Cloned), (0, 0)),
        rule("Packet loss", Severity::Warning, above("icmp_loss_percent", 20.0, 5.0), (300, 300)),
        rule("Interface down", Severity::Warning, port, (60, 60)),
        rule("Processor busy", Severity::Warning, above("cpu_percent", 90.0, 80.0), (600, 300)),
        rule(
            "Memory full",
            Severity::Warning,
            above("memory_used_percent", 95.0, 90.0),
            (600, 300),
        ),
        rule(
            "Temperature high",
            Severity::Warning,
            above("temperature_celsius", 70.0, 65.0),
            (300, 300),
        ),
        rule(
            "Host key changed",
            Severity::Critical,
            above("ssh_host_key_changed", 1.0, 0.5),
            (0, 0),
        ),
        // Longer than it is tried again after a failure.
        rule(
            "Configuration not fetched",
            Severity::Warning,
            above("config_fetch_failed", 1.0, 0.5),
            (6 * 3600, 0),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::{RuleId, TenantId};

    use super::*;

    #[test]
    fn all_of_them_can_be_kept() {
        for written in rules() {
            let rule = written.into_rule(TenantId(1), RuleId(1));
            assert_eq!(rule.check(), Ok(()), "{}", rule.name);
        }
    }
}
