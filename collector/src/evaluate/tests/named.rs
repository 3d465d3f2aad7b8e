//! What an alert is about is called as the device calls it.

use super::*;

fn fired(object: &str, number: i64) -> Step {
    let rule = defaults::rules().remove(0).into_rule(TENANT, RuleId(1));
    let at = Micros(T0);
    Step {
        turn: Turn::Fired(at),
        cause: None,
        part: String::new(),
        now: Tracked {
            alert: AlertId(number),
            rule: Arc::new(rule),
            subject: Subject { device: Some(DEVICE), agent: AGENT, object: object.into() },
            site: SiteId(1),
            name: "r1".into(),
            track: Track { phase: Phase::Firing { well: None }, last: at, unknown: None },
            gap: None,
            group: None,
            began_at: at,
            fired_at: Some(at),
            wrong: Seen::default(),
            told: 1,
            samples: [].into(),
        },
    }
}

fn ended(step: Step) -> Step {
    let mut now = step.now;
    now.track.phase = Phase::Clear;
    Step { turn: Turn::Resolved(Micros(T0 + Micros::SECOND)), now, ..step }
}

async fn by_its_name(mut place: Place<'_>) {
    let device = DEVICE.0;
    place.names_port(77, "ether7").await;
    let group = farwatch_common::sample::Group::Sensors as i64;
    let sensor = format!(
        "INSERT INTO device_object (tenant_id, device_id, grp, object, name, kind, description,
            parent, vendor, model, serial, hardware_revision, firmware_revision,
            software_revision, seen_at)
         VALUES (1, {device}, {group}, 'sensor:77', '', '', 'inlet', '', '', '', '', '', '', '', 0)"
    );
    place.raw.run(composed(sensor)).await;
    let steps = [fired("if:77", 1), fired("sensor:77", 2), fired("if:78", 3), fired("if:x", 4)];
    place.evaluator.waiting.insert(TENANT, steps.to_vec());
    place.evaluator.write().await.unwrap();
    let called = async |place: &Place<'_>, alert: i64, name: &str, phase: &str| {
        let sql = format!(
            "SELECT count(*) FROM alert
             WHERE alert_id = {alert} AND object_name = '{name}' AND phase = '{phase}'"
        );
        assert_eq!(place.raw.count(composed(sql)).await, 1, "{alert} {name} {phase}");
    };
    for (alert, name) in [(1, "ether7"), (2, "inlet"), (3, ""), (4, "")] {
        called(&place, alert, name, "firing").await;
    }
    // What is gone is called as it was.
    place.raw.run("DELETE FROM interface WHERE if_index = 77").await;
    place.evaluator.waiting.insert(TENANT, vec![ended(fired("if:77", 1))]);
    place.evaluator.write().await.unwrap();
    called(&place, 1, "ether7", "resolved").await;
}

on_both_engines! {
    parts_are_called_by_their_names, by_its_name;
}
