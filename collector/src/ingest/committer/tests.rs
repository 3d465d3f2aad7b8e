use std::sync::Mutex;

use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Cause, Schema};

use super::*;
use crate::identity::TenantContext;
use crate::ingest::admission::Admission;
use crate::ingest::queue::{BACKLOG_BATCHES_MAX, LIVE_BATCHES_MAX, Stopped};
use crate::ingest::session::Lane;
use crate::ingest::validate::{Known, Sender, Whose, check};
use crate::store::fixture::{
    AGENT, DEVICE, PostgresWorld, T0, TENANT, World, context, counters, wire,
};
use crate::store::refused::refused_list;
use crate::store::samples::{
    Fact, GapQuery, GapRow, RawSample, SamplesQuery, Series, SeriesName, SeriesQuery,
};
use farwatch_common::id::DeviceId;
use farwatch_proto::v1::DeviceFacts;

struct Ours;

impl Known for Ours {
    fn whose(&self, _: DeviceId) -> Whose {
        Whose::Own
    }

    fn layout(&self, _: SchemaId) -> Option<Arc<Layout>> {
        None
    }

    fn schemas(&self) -> (usize, usize) {
        (0, 0)
    }

    fn corrects_times(&self) -> bool {
        false
    }

    fn series_room(&self, _: DeviceId, _: &Arc<Layout>) -> bool {
        true
    }
}

fn checked(seq: u64) -> Checked {
    let second = i64::try_from(seq).unwrap() * 60;
    let sender = Sender { tenant: TENANT, agent: AGENT, received: Micros(T0 + 3_600_000_000) };
    check(wire(seq, &[counters(DEVICE, second, 1)]), sender, &Ours).unwrap()
}

/// A committer on `store` with `seqs` in its queue; the answers once it has ended.
async fn run<S: SampleStore>(store: S, seqs: impl IntoIterator<Item = u64>) -> Vec<Answer> {
    let clock = Clock::system();
    let (queue, committer) = Committer::new(
        store,
        Live::new(clock.clone()),
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let (answered, mut answers) = mpsc::channel(GROUP_MAX);
    for seq in seqs {
        queue.submit(Lane::Live, checked(seq), answered.clone()).await.unwrap();
    }
    drop((queue, answered));
    committer.run(CancellationToken::new()).await.unwrap();
    let mut all = Vec::new();
    while let Some(answer) = answers.recv().await {
        all.push(answer);
    }
    all
}

fn outcomes(answers: Vec<Answer>) -> Vec<(u64, Outcome)> {
    answers.into_iter().map(|answer| (answer.seq, answer.outcome)).collect()
}

#[test]
fn rows_without_values_and_schemas_count_as_memory() {
    let sender = Sender { tenant: TENANT, agent: AGENT, received: Micros(T0 + 3_600_000_000) };
    let failed = |second| {
        let mut row = counters(DEVICE, second, 1);
        (row.cause, row.values) = (Some(Cause::Timeout), Vec::new());
        row
    };
    let rows: Vec<Row> = (0..1000).map(failed).collect();
    let all = check(wire(1, &rows), sender, &Ours).unwrap();
    assert!(queue::memory(&all) >= rows.len() * size_of::<(Row, Arc<Layout>)>());
    let mut bare = all.clone();
    bare.append.schemas.clear();
    bare.layouts.clear();
    let brought = all.append.schemas[0].1.len() + size_of::<Layout>();
    assert!(queue::memory(&all) >= queue::memory(&bare) + brought);
}

#[tokio::test]
async fn what_is_answered_is_committed() {
    let world = World::open().await;
    let answers = run(world.samples.clone(), 1..=5).await;
    assert_eq!(outcomes(answers), (1..=5).map(|seq| (seq, Outcome::Durable)).collect::<Vec<_>>());
    // Another connection sees them.
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 5);
    let world = world.reopen().await;
    let durable = world.samples.durable(TENANT, AGENT, &[777]).await.unwrap();
    assert_eq!(durable[0].1.iter().collect::<Vec<_>>(), [(1, 5)]);
    // After a restart a repeat is still one.
    let answers = run(world.samples.clone(), [3, 6]).await;
    assert_eq!(outcomes(answers), [(3, Outcome::Durable), (6, Outcome::Durable)]);
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 6);
}

#[tokio::test]
async fn a_poisoned_batch_fails_alone() {
    let world = World::open().await;
    // What a constraint that is not known here would do.
    let poison = "CREATE TABLE refuses (x INTEGER NOT NULL);
                  CREATE TRIGGER poisoned AFTER INSERT ON ts_batch WHEN new.seq = 3
                  BEGIN INSERT INTO refuses VALUES (NULL); END;";
    world.run(poison).await;
    let mut outcomes = outcomes(run(world.samples.clone(), 2..=5).await);
    outcomes.sort_by_key(|(seq, _)| *seq);
    let rejected = Outcome::Rejected(RejectCode::Malformed, "it cannot be stored".into());
    let durable = |seq| (seq, Outcome::Durable);
    assert_eq!(outcomes, [durable(2), (3, rejected), durable(4), durable(5)]);
}

#[tokio::test]
async fn what_is_kept_of_a_refused_batch_is_what_was_sent() {
    let world = World::open().await;
    world
        .run(
            "CREATE TRIGGER poisoned AFTER INSERT ON ts_batch
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
        )
        .await;
    let (clock, refusals) = (Clock::system(), Refusals::default());
    let (queue, committer) = Committer::new(
        world.samples.clone(),
        Live::new(clock.clone()),
        (Presence::default(), refusals.clone()),
        Arc::default(),
        clock,
    );
    let mut changed = checked(1);
    changed.append.sent = Some("as it came".into());
    let (answered, _answers) = mpsc::channel(GROUP_MAX);
    queue.submit(Lane::Live, changed, answered).await.unwrap();
    drop(queue);
    committer.run(CancellationToken::new()).await.unwrap();
    refusals.flush(&world.database).await.unwrap();
    let kept = refused_list(&world.database, &context(TENANT), AGENT).await.unwrap();
    assert_eq!((&kept[0].head[..], kept[0].bytes), (&b"as it came"[..], 10));
    assert_eq!(kept[0].hash, *blake3::hash(b"as it came").as_bytes());
}

#[tokio::test]
async fn postgres_refuses_a_batch_alone() {
    let Some(world) = PostgresWorld::open().await else { return };
    let clock = Clock::system();
    let (queue, committer) = Committer::new(
        world.samples.clone(),
        Live::new(clock.clone()),
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let (answered, mut answers) = mpsc::channel(GROUP_MAX);
    for seq in 2..=5 {
        let mut checked = checked(seq);
        if seq == 3 {
            // What `validate` keeps away: a text that PostgreSQL cannot store, which is no
            // constraint.
            let sys_name = "a\0b".to_owned();
            let facts = DeviceFacts { device_id: DEVICE.0, sys_name, ..DeviceFacts::default() };
            checked.append.facts.push(Fact::Device(Micros(T0), facts));
        }
        queue.submit(Lane::Live, checked, answered.clone()).await.unwrap();
    }
    drop((queue, answered));
    committer.run(CancellationToken::new()).await.unwrap();
    let rejected = Outcome::Rejected(RejectCode::Malformed, "it cannot be stored".into());
    for seq in 2..=5 {
        let outcome = if seq == 3 { rejected.clone() } else { Outcome::Durable };
        let answer = answers.recv().await.unwrap();
        assert_eq!((answer.seq, answer.outcome), (seq, outcome));
    }
    assert_eq!(world.count("SELECT count(*) FROM ts_batch").await, 3);
    world.remove().await;
}

/// Records what happens to it; fails as it is told to.
#[derive(Clone, Default)]
struct Fake {
    state: Arc<Mutex<FakeState>>,
}

#[derive(Default)]
struct FakeState {
    /// So many appends fail.
    failures: usize,
    /// The sequence whose stream has a cursor that cannot be read.
    corrupt: Option<u64>,
    /// The one append that fails is stored all the same.
    ambiguous: bool,
    /// The sequence at which the stream has too many holes.
    holes: Option<u64>,
    groups: Vec<usize>,
    /// What was asked to be stored, in order.
    seqs: Vec<u64>,
}

impl SampleStore for Fake {
    async fn append(
        &self,
        batches: &[Append],
        _: &[Checkpoint],
    ) -> Result<Vec<Appended>, StoreError> {
        let mut state = self.state.lock().unwrap();
        state.groups.push(batches.len());
        state.seqs.extend(batches.iter().map(|batch| batch.seq));
        if state.failures > 0 {
            state.failures -= 1;
            return Err(StoreError::Database(sqlx::Error::PoolTimedOut));
        }
        if batches.iter().any(|batch| Some(batch.seq) == state.corrupt) {
            return Err(StoreError::Corrupt { what: "a cursor".into() });
        }
        if mem::take(&mut state.ambiguous) {
            return Ok(vec![Appended::Repeat; batches.len()]);
        }
        let one = |batch: &Append| {
            if Some(batch.seq) == state.holes { Appended::TooManyHoles } else { Appended::Stored }
        };
        Ok(batches.iter().map(one).collect())
    }

    async fn durable(
        &self,
        _: TenantId,
        _: AgentId,
        _: &[i64],
    ) -> Result<Vec<(i64, SeqRanges)>, StoreError> {
        Ok(Vec::new())
    }

    async fn schemas(&self) -> Result<Vec<(TenantId, SchemaId, Schema)>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_rows(&self, _: TenantId, _: AgentId) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }

    async fn series(&self, _: &TenantContext, _: &SeriesQuery) -> Result<Vec<Series>, StoreError> {
        Ok(Vec::new())
    }

    async fn samples(
        &self,
        _: &TenantContext,
        _: &SamplesQuery,
    ) -> Result<Vec<RawSample>, StoreError> {
        Ok(Vec::new())
    }

    async fn metrics(&self, _: &TenantContext, _: DeviceId) -> Result<Vec<SeriesName>, StoreError> {
        Ok(Vec::new())
    }

    async fn gap_page(
        &self,
        _: &TenantContext,
        _: AgentId,
        _: &GapQuery,
    ) -> Result<(Vec<GapRow>, u64), StoreError> {
        Ok((Vec::new(), 0))
    }

    async fn gaps(
        &self,
        _: &TenantContext,
        _: AgentId,
        _: Micros,
        _: Micros,
    ) -> Result<Vec<GapRow>, StoreError> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn batches_that_wait_share_a_transaction() {
    let fake = Fake::default();
    assert_eq!(run(fake.clone(), 0..50).await.len(), 50);
    assert_eq!(fake.state.lock().unwrap().groups, [50]);
}

/// Sessions that drain a day of backlog, and one that shows what is.
#[tokio::test]
async fn what_is_live_is_committed_next_whatever_backlog_waits() {
    let fake = Fake::default();
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    let (queue, committer) = Committer::new(
        fake.clone(),
        live,
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let admission = queue.admission();
    const SESSIONS: u64 = BACKLOG_BATCHES_MAX as u64 / 5 + 50;
    let (answered, mut answers) = mpsc::channel(SESSIONS as usize * 5 + 3);
    let session = |number: u64| {
        let (queue, answered) = (queue.clone(), answered.clone());
        async move {
            for seq in number * 5..number * 5 + 5 {
                queue.submit(Lane::Backlog, checked(seq), answered.clone()).await.unwrap();
            }
        }
    };
    let mut flood = Box::pin(futures_util::future::join_all((0..SESSIONS).map(session)));
    // More than the lane takes: they wait for it, and agents are told to.
    let mut told = admission.clone();
    tokio::select! {
        _ = &mut flood => panic!("the lane has no end"),
        waits = told.wait_for(|now| *now == Admission::LiveOnly) => drop(waits.unwrap()),
    }
    for seq in 50_000..50_003 {
        queue.submit(Lane::Live, checked(seq), answered.clone()).await.unwrap();
    }
    drop((queue, answered));
    let flood = async {
        flood.await;
    };
    let (_, ended) = tokio::join!(flood, committer.run(CancellationToken::new()));
    ended.unwrap();
    let seqs = fake.state.lock().unwrap().seqs.clone();
    assert_eq!(
        (seqs.len(), &seqs[..3]),
        (SESSIONS as usize * 5 + 3, &[50_000, 50_001, 50_002][..])
    );
    assert_eq!(*admission.borrow(), Admission::Open, "all is stored");
    let mut all = 0;
    while answers.recv().await.is_some() {
        all += 1;
    }
    assert_eq!(all, SESSIONS * 5 + 3);
}

#[tokio::test]
async fn agents_are_told_to_wait_before_the_queue_is_full() {
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    let counters = Arc::new(Counters::default());
    let (queue, committer) = Committer::new(
        Fake::default(),
        live,
        (Presence::default(), Refusals::default()),
        counters.clone(),
        clock,
    );
    let admission = queue.admission();
    let (answered, _answers) = mpsc::channel(2_000);
    let fill = |lane, count: usize| {
        let (queue, answered) = (queue.clone(), answered.clone());
        async move {
            for seq in 0..count as u64 {
                queue.submit(lane, checked(seq), answered.clone()).await.unwrap();
            }
        }
    };
    fill(Lane::Backlog, BACKLOG_BATCHES_MAX * 8 / 10).await;
    assert_eq!(*admission.borrow(), Admission::Open);
    fill(Lane::Backlog, 1).await;
    assert_eq!((*admission.borrow(), counters.admission.get()), (Admission::LiveOnly, 1));
    fill(Lane::Live, LIVE_BATCHES_MAX * 95 / 100).await;
    assert_eq!(*admission.borrow(), Admission::LiveOnly);
    fill(Lane::Live, 1).await;
    assert_eq!((*admission.borrow(), counters.admission.get()), (Admission::Closed, 2));
    drop(queue);
    committer.run(CancellationToken::new()).await.unwrap();
    assert_eq!((*admission.borrow(), counters.admission.get()), (Admission::Open, 0));
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_begins_anew_and_stops_no_other() {
    let fake = Fake::default();
    fake.state.lock().unwrap().corrupt = Some(2);
    fake.state.lock().unwrap().holes = Some(4);
    let codes = outcomes(run(fake.clone(), 1..=4).await).into_iter().map(|(seq, outcome)| {
        let code = match outcome {
            Outcome::Rejected(code, _) => Some(code),
            Outcome::Durable => None,
            Outcome::Unavailable => panic!("{seq}"),
        };
        (seq, code)
    });
    let fork = Some(RejectCode::Fork);
    assert_eq!(codes.collect::<Vec<_>>(), [(1, None), (2, fork), (3, None), (4, fork)]);
}

#[tokio::test]
async fn what_a_failing_database_refuses_is_kept_and_stored_once_it_is_well() {
    let fake = Fake::default();
    fake.state.lock().unwrap().failures = 2;
    let answers = outcomes(run(fake.clone(), 1..=3).await);
    assert_eq!(answers, [1, 2, 3].map(|seq| (seq, Outcome::Durable)));
    // The same group each time.
    assert_eq!(fake.state.lock().unwrap().groups, [3, 3, 3]);
}

#[tokio::test]
async fn live_learns_of_a_commit_whose_answer_was_lost() {
    let fake = Fake::default();
    (*fake.state.lock().unwrap()) =
        FakeState { failures: 1, ambiguous: true, ..Default::default() };
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    let (queue, committer) = Committer::new(
        fake,
        live.clone(),
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let (answered, mut answers) = mpsc::channel(4);
    let (batch, schema) = (checked(1), crate::store::fixture::interfaces().id());
    queue.submit(Lane::Live, batch, answered).await.unwrap();
    drop(queue);
    committer.run(CancellationToken::new()).await.unwrap();
    assert_eq!(answers.recv().await.unwrap().outcome, Outcome::Durable);
    assert!(live.layout(TENANT, schema).is_some(), "the agent does not send its schema again");
}

#[tokio::test]
async fn a_database_that_fails_does_not_hold_up_the_stop() {
    let fake = Fake::default();
    fake.state.lock().unwrap().failures = usize::MAX;
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    let (queue, committer) = Committer::new(
        fake,
        live,
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let (answered, mut answers) = mpsc::channel(4);
    queue.submit(Lane::Live, checked(1), answered).await.unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    committer.run(cancel).await.unwrap();
    assert_eq!(answers.recv().await.unwrap().outcome, Outcome::Unavailable);
}

#[tokio::test]
async fn stopping_commits_what_waits() {
    let world = World::open().await;
    let clock = Clock::system();
    let (queue, committer) = Committer::new(
        world.samples.clone(),
        Live::new(clock.clone()),
        (Presence::default(), Refusals::default()),
        Arc::default(),
        clock,
    );
    let (answered, mut answers) = mpsc::channel(4);
    queue.submit(Lane::Live, checked(1), answered.clone()).await.unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    committer.run(cancel).await.unwrap();
    assert_eq!(answers.recv().await.unwrap().outcome, Outcome::Durable);
    assert_eq!(queue.submit(Lane::Live, checked(2), answered).await, Err(Stopped));
}
