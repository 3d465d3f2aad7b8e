//! Rules that are tried before they are kept.

use farwatch_common::id::RuleId;

use super::*;
use crate::evaluate::blind::unseen;
use crate::evaluate::preview::{Counts, Opened, Preview, preview};
use crate::evaluate::rule::{BadState, Condition, Rule, Scope, Side};
use crate::evaluate::severity::Severity;
use crate::identity::tenancy::Actor;
use crate::identity::{Access, TenantContext};
use crate::inventory::InventoryError;
use crate::store::fixture::{append, counters, interfaces};
use crate::store::samples::SampleStore as _;
use crate::store::{Samples, StoreError};

fn rule(condition: Condition, wait: u64) -> Rule {
    Rule {
        tenant: TENANT,
        id: RuleId(0),
        name: "tried".into(),
        severity: Severity::Info,
        enabled: true,
        scope: Scope::default(),
        condition,
        wait: Duration::from_secs(wait),
        resolve_after: Duration::from_secs(wait / 2),
    }
}

fn admin() -> TenantContext {
    TenantContext::of(Actor::Local, false, [(TENANT, Access::Admin)])
}

fn second(second: i64) -> Micros {
    Micros(T0 + second * Micros::SECOND)
}

impl Place<'_> {
    /// Stores what was polled, and knows what it means.
    async fn store(&self, rows: [Vec<Row>; 2]) -> Samples {
        let samples = Samples::new(self.database.clone());
        let batches: Vec<_> = (1..).zip(&rows).map(|(seq, rows)| append(seq, rows)).collect();
        samples.append(&batches, &[]).await.unwrap();
        for schema in [system(), interfaces()] {
            self.live.layout_added(TENANT, schema.id(), Arc::new(Layout::new(&schema)));
        }
        samples
    }

    async fn tried(&self, samples: &Samples, rule: &Rule) -> Preview {
        let sources = (&self.live, samples);
        preview(self.database, &admin(), sources, rule, second(3_600)).await.unwrap()
    }
}

/// What came late was seen by nobody; what fired was, and rules know nothing of the time before them.
async fn unseen_rows(mut place: Place<'_>) {
    let samples = place.store(history()).await;
    let missed = async |place: &Place<'_>| {
        let sources = (&place.live, &samples);
        let all = (second(0), second(3_600));
        unseen(place.database, &admin(), sources, DEVICE, all).await.unwrap().unwrap()
    };
    place.raw.run("UPDATE alert_rule SET updated_at = 0").await;
    let found = missed(&place).await;
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.rule.1.as_str(), one.severity), ("Device down", Severity::Critical));
    assert_eq!((one.opened.began_at, one.opened.resolved_at), (second(180), Some(second(720))));
    for row in history().concat() {
        if row.schema == system().id() {
            place.poll(row).await;
        }
    }
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
    assert_eq!(missed(&place).await, []);
    place.raw.run("DELETE FROM alert").await;
    assert_eq!(missed(&place).await.len(), 1);
    place.raw.run("UPDATE alert_rule SET updated_at = 9000000000000000").await;
    assert_eq!(missed(&place).await, []);
}

/// A device that is down for ten minutes, with a burst of traffic later.
fn history() -> [Vec<Row>; 2] {
    let alive = |at: i64| alive(DEVICE, at);
    let polls = [0].map(alive).into_iter().chain((1..=10).map(|poll| silent(poll * 60)));
    let polls = polls.chain((11..=20).map(|poll| alive(poll * 60)));
    let octets = |poll: i64| if poll < 17 { poll * 60_000 } else { 30_000_000 + poll * 60_000 };
    let counted = (11..=20).map(|poll| counters(DEVICE, poll * 60, octets(poll)));
    [polls.collect(), counted.collect()]
}

async fn as_it_would_have_been(mut place: Place<'_>) {
    let samples = place.store(history()).await;
    place.names_port(1, "ether1").await;
    let opened = |object: &str, [began, fired, resolved]: [i64; 3], value| Opened {
        device: DEVICE,
        name: "r1".into(),
        object: object.into(),
        object_name: if object.is_empty() { String::new() } else { "ether1".into() },
        began_at: second(began),
        fired_at: second(fired),
        resolved_at: Some(second(resolved)),
        value,
    };
    let down = rule(Condition::DeviceState { states: vec![BadState::Down] }, 120);
    let told = place.tried(&samples, &down).await;
    assert_eq!((told.in_scope, told.looked_at, told.past.devices), (3, 3, 3));
    assert_eq!(told.past.opened, [opened("", [180, 300, 720], None)]);
    // Nothing was told to the live state.
    assert_eq!(told.counts, Counts::default());
    for at in [0, 60, 120, 180] {
        place.poll(silent(at)).await;
    }
    let told = place.tried(&samples, &down).await;
    assert_eq!(told.counts, Counts { wrong: 1, ..Counts::default() });
    assert_eq!((told.things[0].name.as_str(), told.things[0].state), ("r1", Some("down")));
    let busy = Condition::Metric {
        name: "if_in_bps".into(),
        object: "*".into(),
        is: Side::Above,
        limit: 1_000_000.0,
        clear: None,
    };
    let told = place.tried(&samples, &rule(busy, 0)).await;
    let bps = 30_060_000.0 * 8.0 / 60.0;
    assert_eq!(told.past.opened, [opened("if:1", [1_020, 1_020, 1_080], Some(bps))]);
    let agents = place.tried(&samples, &rule(Condition::AgentState {}, 0)).await;
    assert!(!agents.past.is_known);
    assert_eq!((agents.in_scope, agents.counts.well), (2, 1));
    // A trial leaves no trace.
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.poll(silent(300)).await;
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
}

#[tokio::test]
async fn a_trial_is_bounded_and_its_tenants() {
    let world = World::open().await;
    let place = Place::new(&world.database, Raw::Sqlite(&world.database)).await;
    let samples = place.store(history()).await;
    let range = (second(0), second(3_600));
    let all = samples.rows(&admin(), DEVICE, range, 100).await.unwrap().unwrap();
    assert_eq!(all.rows.len(), 31);
    assert!(all.rows.is_sorted_by_key(|row| row.at));
    let few = samples.rows(&admin(), DEVICE, range, 30).await;
    assert!(matches!(few, Err(StoreError::TooMuch { max: 30, .. })));
    let reader = TenantContext::of(Actor::Local, false, [(TENANT, Access::Write)]);
    let rule = rule(Condition::AgentState {}, 0);
    let sources = (&place.live, &samples);
    let denied = preview(&world.database, &reader, sources, &rule, second(0)).await;
    assert!(matches!(denied, Err(InventoryError::Denied)));
    drop(place);
    world.remove().await;
}

on_both_engines! {
    a_rule_is_tried_on_what_is_stored, as_it_would_have_been;
    what_came_late_was_seen_by_nobody, unseen_rows;
}
