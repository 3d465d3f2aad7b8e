//! What many writers make of one table: needs `FARWATCH_POSTGRES`.

use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};

use crate::store::fixture::{AGENT, DEVICE, PostgresWorld, STREAM, TENANT, append, counters};
use crate::store::samples::{Append, Appended, Fact};
use crate::store::{SampleStore, Samples, StoreError};
use farwatch_common::clock::Micros;

fn batch(stream: i64, seq: u64) -> Append {
    let minute = i64::try_from(seq).unwrap();
    Append { stream, ..append(seq, &[counters(DEVICE, minute * 60, minute)]) }
}

/// Stored, and repeated.
fn tally(answers: &[Result<Vec<Appended>, StoreError>]) -> (usize, usize) {
    let answers = answers.iter().flat_map(|answers| answers.as_ref().unwrap());
    let (stored, others): (Vec<&Appended>, Vec<&Appended>) =
        answers.partition(|a| **a == Appended::Stored);
    assert!(others.iter().all(|answer| **answer == Appended::Repeat), "{others:?}");
    (stored.len(), others.len())
}

async fn durable(samples: &Samples, stream: i64) -> Vec<(u64, u64)> {
    let durable = samples.durable(TENANT, AGENT, &[stream]).await.unwrap();
    durable[0].1.iter().collect()
}

#[tokio::test]
async fn two_appenders_at_once_store_each_batch_once() {
    let Some(world) = PostgresWorld::open().await else { return };
    let other = Samples::new(world.scratch.database().await);
    for round in 0..10 {
        // They share a third of their batches, and meet the two streams in opposite order.
        let group = |from: u64| {
            let seqs = from..from + 8;
            let both = |seq| [batch(STREAM, seq), batch(STREAM + 1, seq)];
            seqs.flat_map(both).collect::<Vec<_>>()
        };
        let (ours, mut theirs) = (group(round * 12 + 1), group(round * 12 + 5));
        theirs.reverse();
        let answers = tokio::join!(world.samples.append(&ours, &[]), other.append(&theirs, &[]));
        assert_eq!(tally(&[answers.0, answers.1]), (24, 8));
    }
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 240);
    for stream in [STREAM, STREAM + 1] {
        assert_eq!(durable(&world.samples, stream).await, [(1, 120)]);
        assert_eq!(durable(&other, stream).await, [(1, 120)]);
    }
    world.remove().await;
}

/// A group of which `refusal`, some SQL, lets a statement or the COMMIT fail.
async fn nothing_is_acked(refusal: &'static str) {
    let Some(world) = PostgresWorld::open().await else { return };
    world.samples.append(&[batch(STREAM, 1)], &[]).await.unwrap();
    world.run(refusal).await;
    let group: Vec<Append> = (2..6).map(|seq| batch(STREAM, seq)).collect();
    for _ in 0..2 {
        let error = world.samples.append(&group, &[]).await.unwrap_err();
        assert!(error.is_of_the_row(), "{error:?}");
        assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 1);
        assert_eq!(durable(&world.samples, STREAM).await, [(1, 1)]);
    }
    // Nobody remembers what was not committed.
    world.run("DROP FUNCTION farwatch.refuse CASCADE").await;
    assert_eq!(tally(&[world.samples.append(&group, &[]).await]), (4, 0));
    assert_eq!(durable(&world.samples, STREAM).await, [(1, 5)]);
    world.remove().await;
}

#[tokio::test]
async fn a_failed_statement_is_never_acked() {
    nothing_is_acked(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE check_violation; END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON stream_cursor FOR EACH ROW
             EXECUTE FUNCTION refuse();",
    )
    .await;
}

#[tokio::test]
async fn a_failed_commit_is_never_acked() {
    nothing_is_acked(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE check_violation; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ts_batch DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .await;
}

#[tokio::test]
async fn tables_of_a_device_replace_each_other_in_their_order() {
    let Some(world) = PostgresWorld::open().await else { return };
    let other = Samples::new(world.scratch.database().await);
    let table = |seq: u64, second: i64, size: u32| {
        let interface = |index| InterfaceFacts {
            index,
            name: format!("ether{index}"),
            mac: vec![2; 6],
            ..InterfaceFacts::default()
        };
        let interfaces = (1..=size).map(interface).collect();
        let table = InterfaceTable { device_id: DEVICE.0, interfaces };
        let fact = Fact::Interfaces(Micros(second * Micros::SECOND), table);
        Append { facts: vec![fact], ..batch(STREAM, seq) }
    };
    let older = [table(1, 10, 3)];
    let newer = [Append { stream: STREAM + 1, ..table(1, 20, 700) }];
    let answers = tokio::join!(world.samples.append(&newer, &[]), other.append(&older, &[]));
    assert_eq!(tally(&[answers.0, answers.1]), (2, 0));
    let named = "SELECT count(*) FROM interface WHERE name = 'ether' || if_index AND if_type = 0";
    assert_eq!(world.count(named).await, 700);
    assert_eq!(tally(&[other.append(&[table(2, 30, 2)], &[]).await]), (1, 0));
    assert_eq!(world.count(named).await, 2);
    // What was empty stays so when an older one comes late.
    assert_eq!(tally(&[other.append(&[table(3, 40, 0)], &[]).await]), (1, 0));
    assert_eq!(tally(&[world.samples.append(&[table(4, 35, 3)], &[]).await]), (1, 0));
    assert_eq!(world.count("SELECT count(*) FROM interface").await, 0);
    world.remove().await;
}
