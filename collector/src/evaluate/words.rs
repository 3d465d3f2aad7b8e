//! Core: what an alert says in one line.

use super::engine::step::Tracked;
use super::metric::metric;
use super::rule::{Condition, Side};

/// What is wrong; `device` is the name of the device or, of an alert about it, the agent.
#[must_use]
pub fn summary(device: &str, tracked: &Tracked) -> String {
    let object = &tracked.subject.object;
    let of = if object.is_empty() { device.to_owned() } else { format!("{object} of {device}") };
    match &tracked.rule.condition {
        Condition::DeviceState { .. } => format!("{device} does not answer as it should"),
        Condition::AgentState {} => format!("agent {device} is offline"),
        Condition::InterfaceState { .. } => format!("{of} is down, and was up"),
        Condition::Metric { name, is, limit, .. } => {
            let unit = metric(name).map_or("", |metric| metric.unit);
            let value = tracked.value.map_or_else(|| "unknown".to_owned(), short);
            let side = match is {
                Side::Above => "or more is wrong",
                Side::Below => "or less is wrong",
            };
            format!("{of}: {name} is {value} {unit}; {} {side}", short(*limit))
        }
        Condition::Absence { name, .. } => format!("{of}: {name} is not told any more"),
    }
}

/// With three digits after the point at most.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([90.0, 97.25, 0.1234, 100.0].map(short), ["90", "97.25", "0.123", "100"]);
    }
}
