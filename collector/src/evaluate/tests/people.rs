//! What people do with alerts, while evaluation goes on.

use super::*;
use crate::evaluate::alerts::change::{Act, Acted, alert_act};
use crate::evaluate::alerts::{AlertFilter, Before, alert_history, alert_list};
use crate::identity::tenancy::Actor;
use crate::identity::{Access, TenantContext};
use crate::live::EventFilter;
use futures_util::StreamExt as _;

const ROUTE: &str = "
    INSERT INTO channel (tenant_id, channel_id, name, kind, enabled, settings, version,
                         key_version, created_at, updated_at)
    VALUES (1, 1, 'noc', 'email', 1, '{}', 1, 1, 0, 0);
    INSERT INTO route (tenant_id, route_id, channel_id, severity, scope, on_resolved, created_at)
    VALUES (1, 1, 1, 1, '{\"sites\":[],\"tags\":[]}', 1, 0);";
const LINKED: &str = "SELECT count(*) FROM notification
                      WHERE message LIKE '%\"url\":\"https://noc.example.net/alerts/alt_%'";
const TOLD: &str = "SELECT count(*) FROM notification";

fn operator() -> TenantContext {
    TenantContext::of(Actor::Local, false, [(TENANT, Access::Write)])
}

impl Place<'_> {
    async fn act(&self, act: Act) -> Acted {
        let (id, ids) = (self.only().await, IdGenerator::new(2));
        let now = self.clock.now();
        let of = (TENANT, id);
        alert_act(self.database, &operator(), &ids, of, &act, now).await.unwrap()
    }

    async fn only(&self) -> AlertId {
        let before = Before { id: None, limit: 10 };
        let filter = AlertFilter::default();
        let found = alert_list(self.database, &operator(), &filter, before).await.unwrap();
        assert_eq!((found.rows.len(), found.total), (1, 1));
        found.rows[0].id
    }

    async fn down(&mut self, from: i64) {
        for poll in 0..6 {
            self.poll(silent(from + poll * 60)).await;
        }
    }
}

/// Who looks after an alert stays through turns and a restart; what is over is nobody's.
async fn looked_after(mut place: Place<'_>) {
    place.raw.run(ROUTE).await;
    place.down(0).await;
    assert_eq!(place.raw.count(TOLD).await, 1);
    assert_eq!(place.raw.count(LINKED).await, 1);
    let note = Some("on my way".to_owned());
    assert!(matches!(place.act(Act::Ack { note }).await, Acted::Done(_)));
    place.restart().await;
    place.poll(alive(DEVICE, 360)).await;
    place.restart().await;
    let (alert, _) = alert_history(place.database, &operator(), place.only().await).await.unwrap();
    assert_eq!(alert.phase, "firing");
    assert_eq!(alert.acked.unwrap().note.as_deref(), Some("on my way"));
    assert!(matches!(place.act(Act::Unack).await, Acted::Done(_)));
    place.poll(alive(DEVICE, 420)).await;
    let id = place.only().await;
    let (alert, happened) = alert_history(place.database, &operator(), id).await.unwrap();
    assert_eq!((alert.phase.as_str(), alert.cause), ("resolved", None));
    let mut kinds: Vec<_> = happened.iter().map(|one| one.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["acked", "fired", "resolved", "unacked"]);
    assert!(matches!(place.act(Act::Ack { note: None }).await, Acted::Resolved));
    assert_eq!(place.raw.count(TOLD).await, 2);
}

/// An alert that fires while it is silent is not told, and so its end is not either.
async fn silent_alert(mut place: Place<'_>) {
    place.raw.run(ROUTE).await;
    for second in [0, 60, 120, 180] {
        place.poll(silent(second)).await;
    }
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    let until = place.clock.now().after(Duration::from_secs(180));
    let silence = Act::Silence { until, note: None };
    assert!(matches!(place.act(silence.clone()).await, Acted::Done(_)));
    assert!(matches!(place.act(silence).await, Acted::Unchanged(_)));
    for second in [240, 300] {
        place.poll(silent(second)).await;
    }
    assert_eq!(place.counts().await[1], 1);
    assert_eq!(place.raw.count(TOLD).await, 0);
    place.restart().await;
    // By then the time of silence is over.
    for second in [360, 420] {
        place.poll(alive(DEVICE, second)).await;
    }
    assert_eq!(place.counts().await[2], 1);
    assert_eq!(place.raw.count(TOLD).await, 0);
}

/// Who was told that an alert fires is told that it is over, also if it was made silent meanwhile.
async fn silent_end(mut place: Place<'_>) {
    place.raw.run(ROUTE).await;
    place.down(0).await;
    assert_eq!(place.raw.count(TOLD).await, 1);
    let until = place.clock.now().after(Duration::from_secs(3600));
    assert!(matches!(place.act(Act::Silence { until, note: None }).await, Acted::Done(_)));
    for second in [360, 420] {
        place.poll(alive(DEVICE, second)).await;
    }
    assert_eq!(place.counts().await[2], 1);
    let resolved = "SELECT count(*) FROM notification WHERE message LIKE '%alert.resolved%'";
    assert_eq!(place.raw.count(resolved).await, 1);
}

/// Screens hear of each turn, and of what is gone.
#[tokio::test]
async fn screens_are_told_of_turns() {
    let world = World::open().await;
    let mut place = Place::new(&world.database, Raw::Sqlite(&world.database)).await;
    let filter = EventFilter { tenants: [TENANT].into(), devices: BTreeSet::new() };
    let mut events = place.live.subscribe(filter, None);
    let cancel = CancellationToken::new();
    let (live, until) = (place.live.clone(), cancel.clone());
    farwatch_common::task::spawn_child(&cancel, async move {
        let _ = live.run(until).await;
    });
    for second in [0, 60, 120, 180] {
        place.poll(silent(second)).await;
    }
    let id = place.only().await.to_string();
    let mut told = async || loop {
        let event = events.next().await.unwrap();
        if event.kind == "alerts" {
            break event.data;
        }
    };
    let began = told().await;
    let patch = &began["patches"][0];
    assert_eq!((patch["id"].as_str(), patch["phase"].as_str()), (Some(&*id), Some("pending")));
    place.poll(alive(DEVICE, 240)).await;
    assert_eq!(told().await["removed"][0], id);
    cancel.cancel();
    drop(place);
    world.remove().await;
}

on_both_engines! {
    who_looks_after_an_alert_stays_through_restarts, looked_after;
    silence_keeps_notifications_back, silent_alert;
    who_heard_of_an_alert_hears_of_its_end, silent_end;
}
