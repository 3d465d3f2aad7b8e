//! Core: what changed of an alert, in the words of the API.

use farwatch_common::clock::Micros;
use farwatch_common::id::AlertId;
use serde_json::{Map, Value, json};

use super::alerts::Alert;
use super::engine::step::Step;
use super::track::{Phase, Turn};
use super::words::summary;
use crate::live::alerts::AlertPatch;
use crate::live::view::rfc3339;

fn time(at: Option<Micros>) -> Value {
    json!(at.and_then(rfc3339))
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What evaluation changed: of an alert that nobody knows yet, whoever shows it asks for the rest.
pub(crate) fn of_step(step: &Step) -> (AlertId, AlertPatch) {
    let now = &step.now;
    if step.turn == Turn::Dropped {
        return (now.alert, None);
    }
    let (phase, well_at) = match now.track.phase {
        Phase::Pending { .. } => ("pending", None),
        Phase::Firing { well } => ("firing", well),
        Phase::Clear => ("resolved", None),
    };
    let resolved_at = match step.turn {
        Turn::Resolved(at) => Some(at),
        _ => None,
    };
    let object = (&*now.subject.object, &*step.part);
    let summary = summary(&now.name, object, &now.rule.condition, &now.wrong);
    let state = now.wrong.state.as_ref();
    let state = state.map(|state| json!({ "state": state, "cause": now.wrong.cause }));
    let unknown = step.cause.is_none() && now.track.unknown.is_some();
    let mut patch = fields([
        ("phase", json!(phase)),
        ("severity", json!(now.rule.severity.name())),
        ("cause", json!(step.cause)),
        ("unknown", json!(unknown)),
        ("object_name", json!(Some(&step.part).filter(|name| !name.is_empty()))),
        ("summary", json!(summary)),
        ("value", json!(now.wrong.value)),
        ("state", json!(state)),
        ("began_at", time(Some(now.began_at))),
        ("fired_at", time(now.fired_at)),
        ("last_at", time(Some(now.track.last))),
        ("well_at", time(well_at)),
        ("resolved_at", time(resolved_at)),
    ]);
    if resolved_at.is_some() {
        // Since when it was well stays as it was.
        patch.remove("well_at");
    }
    (now.alert, Some(patch))
}

/// What people change.
pub(crate) fn of_act(alert: &Alert) -> (AlertId, AlertPatch) {
    let ack = alert
        .acked
        .as_ref()
        .map(|acked| json!({ "at": time(Some(acked.at)), "by": acked.by, "note": acked.note }));
    let patch = fields([("ack", json!(ack)), ("silenced_until", time(alert.silenced_until))]);
    (alert.id, Some(patch))
}
