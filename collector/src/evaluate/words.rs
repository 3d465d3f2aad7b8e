//! Core: what an alert says in one line.

mod figure;

use std::borrow::Cow;

use super::metric::{FLAG, metric};
use super::rule::{Condition, Side};
use super::seen::Seen;
use figure::{figure, pair};

/// What is wrong; `name` is that of the device or, of an alert about it, the agent. Of the object its key,
/// and what it is called; either may be empty. `wrong` is the last that was.
#[must_use]
pub fn summary(
    name: &str,
    (object, part): (&str, &str),
    condition: &Condition,
    wrong: &Seen,
) -> String {
    let of = match called(object, part) {
        part if part.is_empty() => name.to_owned(),
        part => format!("{part} of {name}"),
    };
    // Many are called so already: nobody wants to read of «agent agent-depot».
    let agent = match name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("agent")) {
        true => name.to_owned(),
        false => format!("agent {name}"),
    };
    let why = wrong.cause.as_deref().and_then(because);
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    match condition {
        Condition::DeviceState { .. } => match &wrong.state {
            Some(state) => format!("{name} is {state}{why}"),
            None => format!("{name} does not answer as it should"),
        },
        Condition::AgentState {} => match wrong.cause.as_deref() {
            Some("stopped") => format!("{agent} is offline: it was stopped"),
            Some("silent") => format!("{agent} is offline: nothing is heard of it"),
            _ => format!("{agent} is offline"),
        },
        Condition::AgentTrouble { .. } => match object {
            "clock" => format!("the clock of {agent} is wrong by more than a minute"),
            "cloned" => format!("two hosts run as {agent}: enrol one of them anew"),
            "losing" => format!("{agent} has lost data within the last hour"),
            _ => format!("something is wrong with {agent}"),
        },
        Condition::InterfaceState { .. } => format!("{of} is down, and was up"),
        Condition::Metric { name: what, is, limit, .. } => {
            let (title, unit) = metric(what).map_or((&**what, ""), |one| (one.title, one.unit));
            if unit == FLAG && *is == Side::Above {
                return format!("{}{why}", flag(name, what));
            }
            let (value, limit) = match wrong.value {
                Some(value) => pair(value, *limit, unit),
                None => ("unknown".to_owned(), figure(*limit, unit)),
            };
            format!("{of}: {title} is {value} (limit {limit})")
        }
        Condition::Absence { name: what, .. } => {
            let title = metric(what).map_or(&**what, |metric| metric.title);
            format!("{of}: {title} is not told any more")
        }
    }
}

/// A part by its name; by its key where it has none.
pub(crate) fn called<'a>(object: &'a str, part: &'a str) -> Cow<'a, str> {
    match (object, part) {
        ("", _) => "".into(),
        (object, "") => object.into(),
        // By its path alone nobody takes it for a disk.
        (_, path) if path.starts_with('/') => format!("Disk {path}").into(),
        (_, part) => part.into(),
    }
}

/// What a flag of a device says.
fn flag(name: &str, what: &str) -> String {
    match what {
        "snmp_failed" => format!("SNMP of {name} does not work"),
        "ssh_host_key_changed" => format!("{name} shows another SSH host key than the pinned one"),
        "config_fetch_failed" => format!("the configuration of {name} cannot be fetched"),
        _ => format!("{name}: {what}"),
    }
}

/// What made it so in words, where they add something: of a device that is down, degraded or silent, and of
/// a configuration that is not fetched.
fn because(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "timeout" => "no answer",
        "unreachable" => "the network knows no way to it",
        "packet_loss" => "packets are lost",
        "no_echo" => "no answer to echo requests",
        "stale" => "its last answer is old",
        "auth" => "it refuses the credential",
        "unsupported" => "it has nothing of what it is asked for",
        "budget" => "the time for its poll ran out",
        "malformed" => "its answers are broken",
        "unknown_user" => "it does not know the SNMPv3 user",
        "wrong_auth" => "wrong authentication of SNMPv3",
        "wrong_privacy" => "wrong privacy of SNMPv3",
        "wrong_level" => "it gave the SNMPv3 user a lower level of security",
        "level_too_low" => "it asks for a higher level of security",
        "wrong_clock" => "its SNMPv3 clock does not go with ours",
        "wrong_context" => "it does not know the SNMPv3 context",
        "other_source" => "it answers from another address",
        "no_name" => "its name has no address",
        "no_answer" => "no answer",
        "port_closed" => "its SSH port is closed",
        "no_ssh" => "what answers at its SSH port is not SSH",
        "hangs_up" => "it hangs up",
        "host_key" => "another host key than the pinned one",
        "algorithms" => "it offers broken algorithms alone",
        "login" => "it refuses the login",
        "login_silent" => "it does not answer the login",
        "silent" => "no prompt came",
        "refused" => "the login may not read it",
        "empty" => "it was empty",
        "incomplete" => "it ended in its middle",
        "too_slow" => "it took too long",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::rule::{BadState, Trouble};

    #[test]
    fn a_state_is_told_with_what_made_it_so() {
        let states = Condition::DeviceState { states: vec![BadState::Degraded, BadState::Down] };
        let said = |state, cause| summary("core-1", ("", ""), &states, &Seen::state(state, cause));
        assert_eq!(said("down", Some("timeout")), "core-1 is down: no answer");
        assert_eq!(said("degraded", None), "core-1 is degraded");
        assert_eq!(said("degraded", Some("new_cause")), "core-1 is degraded");
    }

    #[test]
    fn an_agent_is_told_with_what_became_of_it() {
        let said = |cause| {
            summary("depot", ("", ""), &Condition::AgentState {}, &Seen::state("offline", cause))
        };
        assert_eq!(said(Some("stopped")), "agent depot is offline: it was stopped");
        assert_eq!(said(None), "agent depot is offline");
        let named =
            summary("Agent 7", ("", ""), &Condition::AgentState {}, &Seen::state("offline", None));
        assert_eq!(named, "Agent 7 is offline");
    }

    #[test]
    fn what_is_wrong_with_an_agent_is_told_in_words() {
        let troubles = Condition::AgentTrouble { kinds: [Trouble::Clock, Trouble::Cloned].into() };
        let said = |kind: Trouble| {
            summary("depot", (kind.name(), ""), &troubles, &Seen::state("wrong", None))
        };
        let clock = "the clock of agent depot is wrong by more than a minute";
        assert_eq!(said(Trouble::Clock), clock);
        let all = [Trouble::Clock, Trouble::Cloned, Trouble::Losing].map(said);
        assert!(all.iter().all(|said| said.contains("agent depot")), "{all:?}");
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_flag_is_told_in_words() {
        let of = |metric: &str| {
            let (name, object) = (metric.to_owned(), "*".to_owned());
            Condition::Metric { name, object, is: Side::Above, limit: 1.0, clear: None }
        };
        let wrong = Seen::value(Some(1.0), Some("wrong_auth".into()));
        let said = summary("core-1", ("", ""), &of("snmp_failed"), &wrong);
        assert_eq!(said, "SNMP of core-1 does not work: wrong authentication of SNMPv3");
        let hot = summary("core-1", ("", ""), &of("cpu_percent"), &Seen::value(Some(97.0), None));
        assert_eq!(hot, "core-1: processor load is 97 % (limit 1 %)");
    }

    #[test]
    fn a_part_is_told_by_its_name() {
        let port = Condition::InterfaceState { object: "*".to_owned() };
        let said = |object| summary("core-1", object, &port, &Seen::state("down", None));
        assert_eq!(said(("if:13", "ether13")), "ether13 of core-1 is down, and was up");
        assert_eq!(said(("if:13", "")), "if:13 of core-1 is down, and was up");
        assert_eq!(said(("storage:31", "/var")), "Disk /var of core-1 is down, and was up");
    }
}
