use super::*;

fn rule(condition: Condition) -> Rule {
    Rule {
        tenant: TenantId(1),
        id: RuleId(1),
        name: "a rule".into(),
        severity: Severity::Warning,
        enabled: true,
        scope: Scope::default(),
        condition,
        wait: Duration::from_secs(60),
        resolve_after: Duration::ZERO,
    }
}

fn condition(json: &str) -> Condition {
    serde_json::from_str(json).unwrap()
}

fn wrong(json: &str) -> Option<RuleError> {
    rule(condition(json)).check().err()
}

#[test]
fn conditions_are_read_from_json_and_written_the_same() {
    let text = r#"{"kind":"metric","name":"cpu_percent","object":"*","is":"above","limit":90.0,"clear":80.0}"#;
    let read = condition(text);
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    assert_eq!(condition(r#"{"kind":"agent_state"}"#), Condition::AgentState {});
    for bad in [
        r#"{"kind":"metric","name":"cpu_percent","is":"beside","limit":1}"#,
        r#"{"kind":"device_state","states":["up"]}"#,
        r#"{"kind":"agent_state","more":1}"#,
        r#"{"kind":"tomorrow"}"#,
    ] {
        assert!(serde_json::from_str::<Condition>(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_cannot_be_says_why() {
    let wrong_field = |error: RuleError| (error.field(), error.to_string());
    assert_eq!(wrong(r#"{"kind":"device_state","states":[]}"#), Some(RuleError::NoStates));
    let unknown = wrong(r#"{"kind":"absence","name":"beauty"}"#).unwrap();
    assert_eq!(unknown, RuleError::NoMetric("beauty".into()));
    assert_eq!(wrong_field(unknown).0, "condition");
    let one = r#"{"kind":"absence","name":"cpu_percent","object":"cpu:1"}"#;
    assert_eq!(wrong(one), Some(RuleError::NoObjects("cpu_percent".into())));
    let clear = r#"{"kind":"metric","name":"cpu_percent","is":"above","limit":90,"clear":91}"#;
    assert_eq!(wrong(clear), Some(RuleError::Clear));
    let below = r#"{"kind":"metric","name":"cpu_percent","is":"below","limit":90,"clear":91}"#;
    assert_eq!(wrong(below), None);
    assert_eq!(wrong(r#"{"kind":"interface_state","object":""}"#), Some(RuleError::Glob));

    let mut about_agents = rule(Condition::AgentState {});
    about_agents.scope.tags.insert("core".into());
    assert_eq!(about_agents.check(), Err(RuleError::AgentTags));
    let trouble = r#"{"kind":"agent_trouble","kinds":["clock","cloned"]}"#;
    assert_eq!(serde_json::to_string(&condition(trouble)).unwrap(), trouble);
    assert_eq!(wrong(r#"{"kind":"agent_trouble","kinds":[]}"#), Some(RuleError::NoTroubles));
    let mut about_agents = rule(condition(trouble));
    assert_eq!(about_agents.check(), Ok(()));
    about_agents.scope.tags.insert("core".into());
    assert_eq!(about_agents.check(), Err(RuleError::AgentTags));
    let mut long = rule(Condition::AgentState {});
    long.wait = WAIT_MAX + Duration::from_secs(1);
    assert_eq!(long.check().unwrap_err().field(), "for_s");
    long.name = "\n".into();
    assert_eq!(long.check(), Err(RuleError::Name));
}

#[test]
fn between_the_limit_and_the_clear_value_nothing_is_said() {
    let above =
        condition(r#"{"kind":"metric","name":"cpu_percent","is":"above","limit":90,"clear":80}"#);
    let looks = [90.0, 89.9, 80.1, 80.0].map(|value| above.of_value(Some(value)));
    assert_eq!(looks, [Look::Breach, Look::Band, Look::Band, Look::Well]);
    assert_eq!(above.of_value(None), Look::Unknown);
    assert_eq!(above.of_value(Some(f64::NAN)), Look::Unknown);
    let below = condition(r#"{"kind":"metric","name":"icmp_rtt_ms","is":"below","limit":5}"#);
    let looks = [5.0, 5.1].map(|value| below.of_value(Some(value)));
    assert_eq!(looks, [Look::Breach, Look::Well]);
}

#[test]
fn a_device_that_is_unknown_is_not_down() {
    let down = condition(r#"{"kind":"device_state","states":["down"]}"#);
    let looks = [State::Up, State::Degraded, State::Down, State::Unknown];
    let looks = looks.map(|state| down.of_device(state));
    assert_eq!(looks, [Look::Well, Look::Well, Look::Breach, Look::Unknown]);
}
