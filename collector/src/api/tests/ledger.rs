//! What was lost, and what was refused, as it is asked for.

use farwatch_common::id::DeviceId;
use farwatch_common::sample::Class;

use super::*;
use crate::store::SampleStore as _;
use crate::store::fixture::{alive, append};
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
        check("from=2026-01-01T00:30:00Z&to=2026-01-01T00:11:00Z", &[]).await;
        let first = world.get(&format!("{all}?limit=1"), &who).await.data();
        assert_eq!(first[0]["from"], "2026-01-01T00:00:00.000000Z");
        for query in ["order=newest", "from=yesterday", "cursor=x"] {
            let refused = world.get(&format!("{all}?{query}"), &who).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        }
        world.remove().await;
    }
}
