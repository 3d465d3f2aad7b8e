//! What the store tells of a tenant's agents it tells nobody else, whichever of two tenants asks.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Class;
use farwatch_proto::v1::RejectCode;

use super::fixture::{
    AGENT, DEVICE, OTHER_AGENT, OTHER_TENANT, PostgresWorld, STREAM, T0, TENANT, World, alive,
    append, context,
};
use super::links::{link_add, link_list};
use super::refused::{RefusedBatch, refused_add, refused_count, refused_list};
use super::samples::completeness::completeness;
use super::samples::ledger::{losses, lost_of_late};
use super::samples::{Append, Fact, GapQuery, GapReason, GapRow};
use super::{Database, SampleStore as _, Samples};
use crate::ingest::IngestKey;
use crate::live::links::{LinkChange, LinkEvent};

const SIDES: [(TenantId, AgentId, DeviceId); 2] =
    [(TENANT, AGENT, DEVICE), (OTHER_TENANT, OTHER_AGENT, DeviceId(200))];
const NOW: Micros = Micros(T0 + 60 * Micros::SECOND);

async fn fill(database: &Database, samples: &Samples) {
    for (tenant, agent, device) in SIDES {
        let gap = GapRow {
            stream: STREAM,
            seq_first: 7,
            seq_last: 9,
            from: Micros(T0),
            to: NOW,
            class: Class::Gauges,
            count: 20,
            reason: GapReason::Evicted,
            received: NOW,
        };
        let facts = vec![Fact::Gap(gap)];
        let batch = Append { tenant, agent, facts, ..append(1, &[alive(device, 0)]) };
        samples.append(&[batch], &[]).await.unwrap();
        let mut txn = database.ingest(IngestKey::of_a_test(), &[tenant].into()).await.unwrap();
        let link = LinkChange {
            tenant,
            agent,
            at: NOW,
            event: LinkEvent::Opened,
            transport: "quic",
            remote: "192.0.2.1:1".to_owned(),
            reason: None,
        };
        link_add(&mut txn, &link).await.unwrap();
        let refused = RefusedBatch {
            stream: STREAM,
            seq: 4,
            at: NOW,
            code: RejectCode::Malformed,
            detail: String::new(),
            hash: [1; 32],
            bytes: 1,
            head: vec![1],
        };
        refused_add(&mut txn, (tenant, agent), &refused).await.unwrap();
        txn.commit().await.unwrap();
    }
}

/// How much of all there is of an agent is told to who may read this tenant.
async fn told(
    (database, samples): (&Database, &Samples),
    reader: TenantId,
    (tenant, agent): (TenantId, AgentId),
) -> [usize; 9] {
    let context = &context(reader);
    let ends = (Micros(i64::MIN), Micros(i64::MAX));
    let query = GapQuery { from: ends.0, to: ends.1, newest_first: true, after: None, limit: 9 };
    let page = samples.gap_page(context, agent, &query).await.unwrap();
    let gaps = samples.gaps(context, agent, ends.0, ends.1).await.unwrap();
    let refused = refused_count(database, context, agent).await.unwrap();
    let complete = completeness(database, context, (tenant, agent), None, NOW).await.unwrap();
    [
        page.0.len(),
        usize::try_from(page.1).unwrap(),
        gaps.len(),
        losses(database, context, agent, NOW).await.unwrap().len(),
        lost_of_late(database, context, &[agent], NOW).await.unwrap().len(),
        refused_list(database, context, agent).await.unwrap().len(),
        usize::try_from(refused.0).unwrap(),
        link_list(database, context, agent).await.unwrap().len(),
        complete.devices.iter().map(|one| usize::from(one.complete.stored > 0)).sum(),
    ]
}

async fn nobody_elses_losses_are_told(database: &Database, samples: &Samples) {
    fill(database, samples).await;
    let [one, other] = SIDES;
    for ((own, agent, _), (foreign, others_agent, _)) in [(one, other), (other, one)] {
        let of = async |asked| told((database, samples), own, asked).await;
        assert_eq!(of((own, agent)).await, [1; 9], "{own}");
        // Also where the caller names its own tenant beside the agent.
        for tenant in [foreign, own] {
            assert_eq!(of((tenant, others_agent)).await, [0; 9], "{own} of {tenant}");
        }
    }
}

#[tokio::test]
async fn nobody_elses_losses_are_told_on_sqlite() {
    let world = World::open().await;
    nobody_elses_losses_are_told(&world.database, &world.samples).await;
    world.remove().await;
}

#[tokio::test]
async fn nobody_elses_losses_are_told_on_postgresql() {
    let Some(world) = PostgresWorld::open().await else { return };
    nobody_elses_losses_are_told(&world.database, &world.samples).await;
    world.remove().await;
}
