//! What was lost, and what was refused, as it is asked for.

use farwatch_common::id::DeviceId;
use farwatch_common::sample::Class;
use farwatch_proto::v1::RejectCode;

use super::*;
use crate::ingest::Refusals;
use crate::store::SampleStore as _;
use crate::store::fixture::{alive, append};
use crate::store::refused::RefusedBatch;
use crate::store::samples::{Append, Fact, GapReason, GapRow};

const MINUTE: i64 = 60 * Micros::SECOND;
/// 2026-01-01T00:00:00Z.
const DAY: i64 = 1_767_225_600 * Micros::SECOND;

fn gap(number: u64, minute: i64) -> GapRow {
    GapRow {
        stream: 9,
        seq_first: number,
        seq_last: number,
        from: Micros(DAY + minute * MINUTE),
        to: Micros(DAY + (minute + 1) * MINUTE),
        class: Class::Counters,
        count: 1,
        reason: GapReason::Evicted,
        received: Micros(DAY),
    }
}

/// All pages of two: the numbers of the gaps, and how many there are said to be.
async fn pages(world: &World, who: &As, path: &str) -> (Vec<i64>, i64) {
    let (mut numbers, mut next) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("{path}&limit=2{next}"), who).await.json();
        let gaps = page["data"].as_array().unwrap();
        numbers.extend(gaps.iter().map(|gap| gap["seq_from"].as_i64().unwrap()));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else {
            return (numbers, page["meta"]["total"].as_i64().unwrap());
        };
        next = format!("&cursor={cursor}");
    }
}

#[tokio::test]
async fn gaps_are_listed_from_when_to_when_and_either_way() {
    for world in World::each().await {
        let tenant = world.tenant("Acme").await;
        let (agent, _) = world.agent(tenant, "a").await;
        let who = world.user("a@acme.example", Role::Viewer, Some(tenant)).await;
        let mut batch =
            Append { tenant, agent, uses: vec![], ..append(1, &[alive(DeviceId(1), 0)]) };
        // The third and the fourth begin at the same time.
        let minutes = [0, 10, 20, 20, 30];
        batch.facts = (1..).zip(minutes).map(|(number, at)| Fact::Gap(gap(number, at))).collect();
        world.state.samples.append(&[batch], &[]).await.unwrap();
        let all = format!("/api/v1/agents/{agent}/gaps");
        let check = async |query: &str, expected: &[i64]| {
            let total = i64::try_from(expected.len()).unwrap();
            let found = pages(&world, &who, &format!("{all}?{query}")).await;
            assert_eq!(found, (expected.to_vec(), total), "{query}");
        };
        check("order=asc", &[1, 2, 3, 4, 5]).await;
        check("order=desc", &[5, 4, 3, 2, 1]).await;
        // Those that end then or later, and begin before.
        check("from=2026-01-01T00:11:00Z&to=2026-01-01T00:30:00Z", &[2, 3, 4]).await;
        check("from=2026-01-01T00:11:01Z&to=2026-01-01T00:30:01Z&order=desc", &[5, 4, 3]).await;
        let first = world.get(&format!("{all}?limit=1"), &who).await.data();
        assert_eq!(first[0]["from"], "2026-01-01T00:00:00.000000Z");
        for (query, expected) in [
            ("order=newest", "`order` must be"),
            ("from=yesterday", "`from` must be a time"),
            ("cursor=x", "`cursor` must be"),
            ("from=1795452152", "`from` looks like seconds"),
            ("to=1795452152000", "`to` looks like milliseconds"),
            ("from=2026-01-01T00:30:00Z&to=2026-01-01T00:11:00Z", "`from` is after `to`"),
            ("limit=9.5", "`limit` must be 1 to 1000."),
            ("limit=99999", "`limit` must be 1 to 1000."),
            ("hours=500", "There is no `hours` here; there is one of `from`, `to`, `order`"),
        ] {
            let refused = world.get(&format!("{all}?{query}"), &who).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
            let detail = refused.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(expected), "{query}: {detail}");
        }
        let none = world.get("/api/v1/agents/xyz/gaps", &who).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        assert!(none.json()["detail"].as_str().unwrap().starts_with("There is no `xyz` here"));
        world.remove().await;
    }
}

#[tokio::test]
async fn what_was_refused_is_told_and_its_content_to_who_may_change_agents() {
    for world in World::each().await {
        let tenant = world.tenant("Acme").await;
        let (agent, _) = world.agent(tenant, "a").await;
        let refusals = Refusals::default();
        for seq in [1, 2] {
            let batch = RefusedBatch {
                stream: 9,
                seq,
                at: Micros(DAY + seq),
                code: RejectCode::Malformed,
                detail: "the batch is empty".to_owned(),
                hash: [0xab; 32],
                bytes: 5_000,
                head: b"begins".to_vec(),
            };
            refusals.note((tenant, agent), batch);
        }
        refusals.flush(&world.state.db).await.unwrap();
        let path = format!("/api/v1/agents/{agent}/refused");
        let viewer = world.user("v@acme.example", Role::Viewer, Some(tenant)).await;
        let seen = world.get(&path, &viewer).await.data();
        assert_eq!((seen[0]["seq"].clone(), seen[1]["seq"].clone()), (json!(2), json!(1)));
        let expected = json!({
            "at": "2026-01-01T00:00:00.000002Z", "stream": "9", "seq": 2, "code": "malformed",
            "detail": "the batch is empty", "bytes": 5_000, "hash": "ab".repeat(32), "head": null,
        });
        assert_eq!(seen[0], expected);
        let admin = world.user("a@acme.example", Role::TenantAdmin, Some(tenant)).await;
        assert_eq!(world.get(&path, &admin).await.data()[0]["head"], "YmVnaW5z");
        let ledger = world.get(&format!("/api/v1/agents/{agent}/ledger"), &viewer).await.data();
        let count = json!({ "batches": 2, "last_at": "2026-01-01T00:00:00.000002Z" });
        assert_eq!(ledger["refused"], count);
        world.remove().await;
    }
}

#[tokio::test]
async fn the_polls_of_one_agent_of_a_tenant_are_counted_at_a_time() {
    let world = World::new().await;
    let (tenant, other) = (world.tenant("Acme").await, world.tenant("Other").await);
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("a@acme.example", Role::Viewer, Some(tenant)).await;
    let path = format!("/api/v1/agents/{agent}/completeness");
    let place = world.state.own.counted.take(tenant).unwrap();
    let refused = world.get(&path, &who).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "counting_busy"));
    assert_eq!(refused.headers["retry-after"], "2");
    drop(place);
    let _elsewhere = world.state.own.counted.take(other).unwrap();
    for _ in 0..2 {
        let counted = world.get(&path, &who).await.data();
        let none = json!({ "expected": 0, "stored": 0, "declared": 0, "awaited": 0, "not_asked": 0,
                           "undeclared": 0, "single": 0, "share_stored": null });
        assert_eq!(counted["total"], none);
    }
    let refused = world.get(&format!("{path}?hours=500"), &who).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "bad_query"));
    let detail = "There is no `hours` here: this takes no query.";
    assert_eq!(refused.json()["detail"], detail);
    world.remove().await;
}

#[tokio::test]
async fn neither_of_two_tenants_is_told_of_the_other() {
    for world in World::each().await {
        let mut sides = Vec::new();
        for name in ["North", "South"] {
            let tenant = world.tenant(name).await;
            let (agent, _) = world.agent(tenant, "a").await;
            let who = world.user(&format!("{name}@x.example"), Role::Viewer, Some(tenant)).await;
            let mut batch =
                Append { tenant, agent, uses: vec![], ..append(1, &[alive(DeviceId(1), 0)]) };
            batch.facts = vec![Fact::Gap(gap(1, 0))];
            world.state.samples.append(&[batch], &[]).await.unwrap();
            sides.push((agent, who));
        }
        let nobodys = AgentId(i64::MAX);
        for (own, other) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
            for what in ["gaps", "ledger", "links", "refused", "completeness"] {
                let of = async |agent: String| {
                    let path = format!("/api/v1/agents/{agent}/{what}");
                    let answer = world.get(&path, &own.1).await;
                    let mut body = answer.json();
                    body.as_object_mut().unwrap().remove("request_id");
                    (answer.status, body)
                };
                let (status, body) = of(own.0.to_string()).await;
                assert_eq!(status, StatusCode::OK, "{what}");
                assert!(what != "gaps" || body["meta"]["total"] == 1, "{body}");
                let foreign = of(other.0.to_string()).await;
                assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{what}");
                assert_eq!(foreign, of(nobodys.to_string()).await, "{what}");
            }
        }
        world.remove().await;
    }
}
