//! What every engine of [`SampleStore`] must do. An engine joins by a line at the end of the file.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId};
use farwatch_common::ranges::RANGES_MAX;
use farwatch_common::sample::{Class, Group, Row};
use farwatch_proto::v1::{DeviceFacts, InterfaceFacts, InterfaceTable};

use super::SampleStore;
use super::fixture::{
    AGENT, DEVICE, FOREIGN, NEIGHBOUR, OTHER_TENANT, SECOND, STREAM, T0, TENANT, alive, append,
    context, counters, interfaces, pinged, system,
};
use super::samples::{
    Appended, Checkpoint, Fact, GAPS_PER_AGENT_MAX, GapQuery, GapReason, GapRow, RawSample,
    SamplesQuery, Series, SeriesQuery,
};

fn at(second: i64) -> Micros {
    Micros(T0 + second * Micros::SECOND)
}

/// An hour of the first device and its neighbour, two polls a batch, the newest half first.
async fn fill<S: SampleStore>(store: &S) {
    let batch = |number: u64| {
        let minute = i64::try_from(number * 2).unwrap();
        let rows: Vec<Row> = [minute, minute + 1]
            .into_iter()
            .flat_map(|m| [counters(DEVICE, m * 60, m * 600), counters(SECOND, m * 60 + 7, m)])
            .collect();
        append(number, &rows)
    };
    let newest: Vec<_> = (15..30).map(batch).collect();
    let oldest: Vec<_> = (0..15).map(batch).collect();
    for group in [newest, oldest] {
        let answers = store.append(&group, &[]).await.unwrap();
        assert!(answers.iter().all(|answer| *answer == Appended::Stored));
    }
    let uptimes: Vec<Row> = (0..60).map(|minute| alive(DEVICE, minute * 60)).collect();
    store.append(&[append(99, &uptimes)], &[]).await.unwrap();
}

fn hour(device: DeviceId, metric: &str) -> SeriesQuery {
    SeriesQuery {
        device,
        metrics: vec![metric.into()],
        object: None,
        from: at(0),
        to: at(3600),
        points: 600,
    }
}

fn values(series: &Series) -> Vec<Option<f64>> {
    series.points.iter().map(|point| point.value).collect()
}

fn page(limit: usize) -> SamplesQuery {
    SamplesQuery {
        device: DEVICE,
        metric: Some("if_in_octets_total".into()),
        object: None,
        from: at(0),
        to: at(3600),
        after: None,
        limit,
    }
}

async fn pages<S: SampleStore>(store: &S, query: &SamplesQuery) -> Vec<RawSample> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let page = store.samples(&context(TENANT), &query).await.unwrap();
        assert!(page.len() <= query.limit);
        let Some(last) = page.last() else { return all };
        query.after = Some(last.cursor);
        all.extend(page);
    }
}

async fn a_batch_counts_once<S: SampleStore>(store: S) {
    let rows = [counters(DEVICE, 0, 1), counters(DEVICE, 60, 2)];
    let batch = append(5, &rows);
    // Repeated within a transaction and after it.
    let answers = store.append(&[batch.clone(), batch.clone()], &[]).await.unwrap();
    assert_eq!(answers, [Appended::Stored, Appended::Repeat]);
    assert_eq!(store.append(&[batch], &[]).await.unwrap(), [Appended::Repeat]);
    assert_eq!(pages(&store, &page(100)).await.len(), 2);
}

async fn other_content_is_a_fork<S: SampleStore>(store: S) {
    let first = append(5, &[counters(DEVICE, 0, 1)]);
    let second = append(5, &[counters(DEVICE, 0, 2)]);
    store.append(&[first], &[]).await.unwrap();
    let next = append(6, &[counters(DEVICE, 60, 3)]);
    let answers = store.append(&[second, next], &[]).await.unwrap();
    assert_eq!(answers, [Appended::Fork, Appended::Stored]);
    let stored = pages(&store, &page(100)).await;
    assert_eq!(stored.iter().map(|raw| raw.value).collect::<Vec<_>>(), [Some(1), Some(3)]);
}

async fn ranges_follow_the_batches<S: SampleStore>(store: S) {
    for seq in [1, 2, 9, 3] {
        let minute = i64::try_from(seq).unwrap();
        store.append(&[append(seq, &[counters(DEVICE, minute * 60, 1)])], &[]).await.unwrap();
    }
    let durable = store.durable(TENANT, AGENT, &[STREAM, 4]).await.unwrap();
    let ranges: Vec<Vec<(u64, u64)>> =
        durable.iter().map(|(_, ranges)| ranges.iter().collect()).collect();
    assert_eq!(ranges, [vec![(1, 3), (9, 9)], vec![]]);
    // Another agent's stream of the same number is another stream.
    let durable = store.durable(TENANT, NEIGHBOUR, &[STREAM]).await.unwrap();
    assert!(durable[0].1.is_empty());
}

async fn a_stream_of_holes_is_refused_not_forgotten<S: SampleStore>(store: S) {
    let group: Vec<_> =
        (0..RANGES_MAX as u64).map(|hole| append(hole * 2, &[counters(DEVICE, 0, 1)])).collect();
    store.append(&group, &[]).await.unwrap();
    let one_more = append(RANGES_MAX as u64 * 2, &[counters(DEVICE, 60, 1)]);
    let filler = append(1, &[counters(DEVICE, 60, 1)]);
    let answers = store.append(&[one_more, filler], &[]).await.unwrap();
    assert_eq!(answers, [Appended::TooManyHoles, Appended::Stored]);
    let durable = store.durable(TENANT, AGENT, &[STREAM]).await.unwrap();
    assert_eq!(durable[0].1.len(), RANGES_MAX - 1);
}

async fn series_merge_batches<S: SampleStore>(store: S) {
    fill(&store).await;
    let query = hour(DEVICE, "if_in_octets_total");
    let series = store.series(&context(TENANT), &query).await.unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!((series[0].object.as_str(), series[0].unit), ("if:1", "bytes_per_second"));
    assert_eq!(values(&series[0]), vec![Some(10.0); 59]);
    let mut thin = query.clone();
    thin.points = 6;
    let thin = store.series(&context(TENANT), &thin).await.unwrap();
    assert_eq!(thin[0].step_s, 600);
    assert_eq!(values(&thin[0]), vec![Some(10.0); 6]);
    // The poll before the range makes the first rate.
    let mut late = query;
    late.from = at(1800);
    let late = store.series(&context(TENANT), &late).await.unwrap();
    assert_eq!(values(&late[0]), vec![Some(10.0); 30]);
}

async fn tenants_do_not_meet<S: SampleStore>(store: S) {
    fill(&store).await;
    let other = context(OTHER_TENANT);
    let query = hour(DEVICE, "if_in_octets_total");
    assert_eq!(store.series(&other, &query).await.unwrap(), []);
    assert_eq!(store.samples(&other, &page(10)).await.unwrap(), []);
    assert_eq!(store.metrics(&other, DEVICE).await.unwrap(), []);
    // Nor do devices of one tenant.
    let query = hour(FOREIGN, "if_in_octets_total");
    assert_eq!(store.series(&context(TENANT), &query).await.unwrap(), []);
}

async fn pages_hold_every_sample_once<S: SampleStore>(store: S) {
    fill(&store).await;
    let all = pages(&store, &page(1000)).await;
    assert_eq!(all.len(), 60);
    assert!(all.is_sorted_by_key(|raw| raw.cursor));
    assert_eq!(all[7].value, Some(7 * 600));
    assert_eq!(all[7].seq, 3);
    for limit in [1, 7, 60] {
        assert_eq!(pages(&store, &page(limit)).await, all, "{limit}");
    }
    let mut everything = page(50);
    (everything.metric, everything.from, everything.to) = (None, Micros(0), Micros(i64::MAX));
    // Three columns of the interfaces, two of the system.
    assert_eq!(pages(&store, &everything).await.len(), 60 * 5);
}

/// System and ping share a class, so the batches of either are searched for both.
async fn groups_of_one_class_are_told_once<S: SampleStore>(store: S) {
    let system: Vec<Row> = (0..3).map(|minute| alive(DEVICE, minute * 60)).collect();
    let ping: Vec<Row> = (0..3).map(|minute| pinged(DEVICE, minute * 60 + 1)).collect();
    store.append(&[append(1, &system), append(2, &ping)], &[]).await.unwrap();
    let everything = SamplesQuery { metric: None, ..page(100) };
    assert_eq!(pages(&store, &everything).await.len(), 3 * 2 + 3);
    let both = SeriesQuery {
        metrics: vec!["sys_uptime_seconds".into(), "ping_rtt_seconds".into()],
        ..hour(DEVICE, "")
    };
    let series = store.series(&context(TENANT), &both).await.unwrap();
    let there = |series: &Series| values(series).into_iter().flatten().count();
    assert_eq!(series.iter().map(there).collect::<Vec<_>>(), [3, 3]);
}

/// First nothing, then little, then far more than a window holds.
async fn pages_cross_a_long_silence<S: SampleStore>(store: S) {
    let day = 86_400;
    let alone = |seq, second| append(seq, &[counters(DEVICE, second, second)]);
    let mut batches = vec![alone(1, 0)];
    batches.extend((0..48i64).map(|n| alone(2 + n.cast_unsigned(), 40 * day + n * 1800)));
    batches.extend((0..300i64).map(|n| alone(50 + n.cast_unsigned(), 41 * day + n)));
    store.append(&batches, &[]).await.unwrap();
    for limit in [7, 1000] {
        let query = SamplesQuery { to: at(365 * day), ..page(limit) };
        let all = pages(&store, &query).await;
        assert_eq!(all.len(), 1 + 48 + 300);
        assert!(all.is_sorted_by_key(|raw| raw.cursor));
    }
}

async fn a_failed_poll_is_kept_with_its_cause<S: SampleStore>(store: S) {
    let mut failed = alive(DEVICE, 60);
    failed.cause = Some(farwatch_common::sample::Cause::Timeout);
    failed.values.clear();
    let rows = [alive(DEVICE, 0), failed, alive(DEVICE, 120)];
    store.append(&[append(1, &rows)], &[]).await.unwrap();
    let series = store.series(&context(TENANT), &hour(DEVICE, "snmp_up")).await.unwrap();
    let causes: Vec<_> = series[0].points.iter().map(|point| point.cause).collect();
    assert_eq!(causes, [None, Some("timeout"), None, None]);
    assert_eq!(values(&series[0]), [Some(1.0), None, Some(1.0), None]);
    let mut raw = page(10);
    raw.metric = Some("snmp_up".into());
    let raw = pages(&store, &raw).await;
    assert_eq!((raw[1].value, raw[1].cause), (None, Some("timeout")));
}

async fn names_of_series_are_listed<S: SampleStore>(store: S) {
    fill(&store).await;
    let names = store.metrics(&context(TENANT), DEVICE).await.unwrap();
    let names: Vec<_> =
        names.iter().map(|name| (name.object.as_str(), name.metric.as_str(), name.unit)).collect();
    let expected = [
        ("", "snmp_up", "one"),
        ("", "sys_uptime_seconds", "seconds"),
        ("if:1", "if_in_octets_total", "bytes_per_second"),
        ("if:1", "if_oper_status", "one"),
        ("if:1", "if_out_octets_total", "bytes_per_second"),
    ];
    assert_eq!(names, expected);
    let schemas = store.schemas().await.unwrap();
    let mut schemas: Vec<_> = schemas.into_iter().map(|(_, _, schema)| schema).collect();
    schemas.sort_by_key(|schema| schema.group);
    assert_eq!(schemas, [system(), interfaces()]);
}

async fn gaps_are_kept_and_drawn<S: SampleStore>(store: S) {
    let gap = GapRow {
        stream: STREAM,
        seq_first: 7,
        seq_last: 9,
        from: at(60),
        to: at(600),
        class: Class::Gauges,
        count: 20,
        reason: GapReason::Evicted,
        received: at(3600),
    };
    let rows = [alive(DEVICE, 0), alive(DEVICE, 660)];
    let mut batch = append(1, &rows);
    // Declared twice counts once.
    batch.facts = vec![Fact::Gap(gap.clone()), Fact::Gap(gap.clone())];
    // The same numbers for another reason are another loss.
    let corrupt = GapRow { reason: GapReason::Corrupt, from: at(540), ..gap.clone() };
    batch.facts.push(Fact::Gap(corrupt.clone()));
    store.append(&[batch], &[]).await.unwrap();
    let gaps = store.gaps(&context(TENANT), AGENT, at(0), at(3600)).await.unwrap();
    assert_eq!(gaps, [gap, corrupt]);
    assert_eq!(store.gaps(&context(TENANT), AGENT, at(601), at(3600)).await.unwrap(), []);
    assert_eq!(store.gaps(&context(OTHER_TENANT), AGENT, at(0), at(3600)).await.unwrap(), []);
    let series = store.series(&context(TENANT), &hour(DEVICE, "snmp_up")).await.unwrap();
    let causes: Vec<_> = series[0].points.iter().map(|point| point.cause).collect();
    assert_eq!(causes, [None, Some("gap_evicted"), Some("gap_evicted"), None, None]);
}

async fn pages_hold_every_gap_once<S: SampleStore>(store: S) {
    let gap = |(number, class): (u64, Class)| GapRow {
        stream: STREAM,
        seq_first: number,
        seq_last: number + 1,
        // Some begin at the same time.
        from: at(60 * i64::try_from(number / 3).unwrap()),
        to: at(6000),
        class,
        count: 20,
        reason: GapReason::Evicted,
        received: at(7200),
    };
    let classes = |number| [Class::Gauges, Class::Counters].map(|class| (number, class));
    let mut expected: Vec<_> = (0..7).flat_map(classes).map(gap).collect();
    expected.sort_by_key(|gap| (gap.seq_first, gap.class as u8));
    let mut batch = append(1, &[alive(DEVICE, 0)]);
    batch.facts = expected.iter().rev().cloned().map(Fact::Gap).collect();
    store.append(&[batch], &[]).await.unwrap();
    let ever = GapQuery {
        from: Micros(i64::MIN),
        to: Micros(i64::MAX),
        newest_first: false,
        after: None,
        limit: 4,
    };
    assert_eq!(gap_pages(&store, ever, 14).await, expected);
    let backwards: Vec<_> = expected.iter().rev().cloned().collect();
    assert_eq!(gap_pages(&store, GapQuery { newest_first: true, ..ever }, 14).await, backwards);
    // Those that begin in the second minute and before; the end is not included.
    let early = GapQuery { from: at(6000), to: at(120), ..ever };
    assert_eq!(gap_pages(&store, early, 12).await, expected[..12]);
    assert_eq!(gap_pages(&store, GapQuery { from: at(6001), ..ever }, 0).await, []);
    let others = store.gap_page(&context(OTHER_TENANT), AGENT, &ever).await.unwrap();
    assert_eq!(others, (Vec::new(), 0));
}

/// All pages of such gaps, of which each says that there are `total`.
async fn gap_pages<S: SampleStore>(store: &S, mut query: GapQuery, total: u64) -> Vec<GapRow> {
    let mut found = Vec::new();
    loop {
        let page = store.gap_page(&context(TENANT), AGENT, &query).await.unwrap();
        assert_eq!(page.1, total);
        let Some(last) = page.0.last() else { return found };
        query.after = Some(last.cursor());
        found.extend(page.0);
    }
}

async fn too_many_gaps_are_melted_and_none_is_uncounted<S: SampleStore>(store: S) {
    let one = |number: u64| GapRow {
        stream: STREAM,
        seq_first: number,
        seq_last: number,
        from: at(i64::try_from(number).unwrap()),
        to: at(i64::try_from(number).unwrap() + 1),
        class: Class::Counters,
        count: 3,
        reason: GapReason::Evicted,
        received: at(7200),
    };
    let all = u64::from(GAPS_PER_AGENT_MAX) + 50;
    let mut batch = append(1, &[alive(DEVICE, 0)]);
    batch.facts = (0..all).map(one).map(Fact::Gap).collect();
    store.append(&[batch], &[]).await.unwrap();
    let ends = (at(0), at(100_000));
    let gaps = store.gaps(&context(TENANT), AGENT, ends.0, ends.1).await.unwrap();
    assert_eq!(gaps.len() as u64, all - 1000);
    assert_eq!(gaps.iter().map(|gap| gap.count).sum::<u64>(), all * 3);
    assert_eq!((gaps[0].count, gaps[0].seq_first, gaps[0].seq_last), (6, 0, 1));
    assert_eq!((gaps[0].from, gaps[0].to), (at(0), at(2)));
    assert_eq!(gaps.last(), Some(&one(all - 1)));
    // A neighbour's stay.
    assert_eq!(store.gaps(&context(TENANT), NEIGHBOUR, ends.0, ends.1).await.unwrap(), []);
}

async fn what_is_dropped_is_added_up<S: SampleStore>(store: S) {
    let dropped = |from: i64, to: i64, count, class| GapRow {
        stream: STREAM,
        seq_first: 0,
        seq_last: 1023,
        from: at(from),
        to: at(to),
        class,
        count,
        reason: GapReason::Rejected,
        received: at(7200),
    };
    let batch = |seq, gap: &GapRow| {
        let second = i64::try_from(seq).unwrap();
        let facts = vec![Fact::Dropped(gap.clone())];
        crate::store::samples::Append { facts, ..append(seq, &[alive(DEVICE, second)]) }
    };
    let first = dropped(60, 70, 2, Class::Counters);
    let others = [dropped(50, 65, 3, Class::Counters), dropped(80, 90, 4, Class::Gauges)];
    store.append(&[batch(1, &first), batch(2, &others[0])], &[]).await.unwrap();
    store.append(&[batch(3, &others[1])], &[]).await.unwrap();
    // Sent again: it was counted.
    store.append(&[batch(2, &others[0])], &[]).await.unwrap();
    let gaps = store.gaps(&context(TENANT), AGENT, at(0), at(3600)).await.unwrap();
    assert_eq!(gaps, [dropped(50, 70, 5, Class::Counters), others[1].clone()]);
}

async fn the_last_rows_come_back<S: SampleStore>(store: S) {
    let mut early = alive(SECOND, 0);
    early.values[1] = Some(1);
    let checkpoint = Checkpoint {
        tenant: TENANT,
        agent: AGENT,
        group: Group::System,
        at: at(1000),
        rows: vec![early.clone(), alive(DEVICE, 1000)],
    };
    let batches = [
        append(1, &[alive(DEVICE, 60)]),
        append(2, &[alive(DEVICE, 1060)]),
        append(3, &[counters(DEVICE, 1060, 5)]),
    ];
    store.append(&batches, &[checkpoint]).await.unwrap();
    let rows = store.last_rows(TENANT, AGENT).await.unwrap();
    let expected = [early, alive(DEVICE, 1000), alive(DEVICE, 1060), counters(DEVICE, 1060, 5)];
    assert_eq!(rows, expected);
    assert_eq!(store.last_rows(TENANT, AgentId(12)).await.unwrap(), []);
}

/// A group that is polled no more, or by now has no rows, leaves the tails of others short.
async fn a_tail_begins_where_the_groups_of_its_class_end<S: SampleStore>(store: S) {
    let mark = |group, second, rows| Checkpoint {
        tenant: TENANT,
        agent: AGENT,
        group,
        at: at(second),
        rows,
    };
    let batches = [
        append(1, &[alive(DEVICE, 60)]),
        append(2, &[counters(DEVICE, 60, 5)]),
        append(3, &[alive(DEVICE, 4000)]),
    ];
    let marks = [
        mark(Group::System, 4000, vec![alive(DEVICE, 4000)]),
        mark(Group::Host, 4000, Vec::new()),
        mark(Group::Interfaces, 0, Vec::new()),
    ];
    store.append(&batches, &marks).await.unwrap();
    let rows = store.last_rows(TENANT, AGENT).await.unwrap();
    assert_eq!(rows, [counters(DEVICE, 60, 5), alive(DEVICE, 4000), alive(DEVICE, 4000)]);
}

async fn facts_of_a_device_that_is_gone_are_dropped<S: SampleStore>(store: S) {
    let mut batch = append(1, &[alive(DEVICE, 0)]);
    let interfaces = vec![InterfaceFacts { index: 1, ..InterfaceFacts::default() }];
    batch.facts = vec![
        Fact::Device(at(0), DeviceFacts { device_id: 4711, ..DeviceFacts::default() }),
        Fact::Interfaces(at(0), InterfaceTable { device_id: 4711, interfaces }),
    ];
    assert_eq!(store.append(&[batch], &[]).await.unwrap(), [Appended::Stored]);
}

macro_rules! suite {
    ($engine:ident, $open:expr; $($test:ident)*) => {
        mod $engine {
            use crate::store::fixture::*;

            $(
                #[tokio::test]
                async fn $test() {
                    // Without a server there is nothing to test.
                    let Some(world) = $open.await else { return };
                    super::$test(world.samples.clone()).await;
                    world.remove().await;
                }
            )*
        }
    };
}

macro_rules! every_test {
    ($engine:ident, $open:expr) => {
        suite! { $engine, $open;
            a_batch_counts_once
            other_content_is_a_fork
            ranges_follow_the_batches
            a_stream_of_holes_is_refused_not_forgotten
            series_merge_batches
            tenants_do_not_meet
            pages_hold_every_sample_once
            groups_of_one_class_are_told_once
            pages_cross_a_long_silence
            a_failed_poll_is_kept_with_its_cause
            names_of_series_are_listed
            gaps_are_kept_and_drawn
            pages_hold_every_gap_once
            too_many_gaps_are_melted_and_none_is_uncounted
            what_is_dropped_is_added_up
            the_last_rows_come_back
            a_tail_begins_where_the_groups_of_its_class_end
            facts_of_a_device_that_is_gone_are_dropped
        }
    };
}

every_test!(sqlite, async { Some(World::open().await) });
every_test!(postgres, PostgresWorld::open());
