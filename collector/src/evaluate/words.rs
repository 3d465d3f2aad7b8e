//! Core: what an alert says in one line.

use super::metric::metric;
use super::rule::{Condition, Side};

/// What is wrong; `name` is that of the device or, of an alert about it, the agent. `value` is the last
/// one that was wrong.
#[must_use]
pub fn summary(name: &str, object: &str, condition: &Condition, value: Option<f64>) -> String {
    let of = if object.is_empty() { name.to_owned() } else { format!("{object} of {name}") };
    match condition {
        Condition::DeviceState { .. } => format!("{name} does not answer as it should"),
        Condition::AgentState {} => format!("agent {name} is offline"),
        Condition::InterfaceState { .. } => format!("{of} is down, and was up"),
        Condition::Metric { name: what, is, limit, .. } => {
            let unit = metric(what).map_or("", |metric| metric.unit);
            let value = value.map_or_else(|| "unknown".to_owned(), short);
            let side = match is {
                Side::Above => "or more is wrong",
                Side::Below => "or less is wrong",
            };
            format!("{of}: {what} is {value} {unit}; {} {side}", short(*limit))
        }
        Condition::Absence { name: what, .. } => format!("{of}: {what} is not told any more"),
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
