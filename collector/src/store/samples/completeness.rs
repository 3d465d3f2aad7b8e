//! How complete what is stored of an agent's devices is: its polls of late, read and counted.

use std::collections::HashMap;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Group;

pub use super::complete::Complete;
use super::complete::{Due, Known, Spans};
use super::subject::Subject;
use super::{GapReason, GapRow, QUERY_VALUES_MAX, fetch, gaps, is_loss};
use crate::identity::{Access, TenantContext};
use crate::inventory::Named;
use crate::live::links::LinkEvent;
use crate::store::links::{KeptLink, link_list};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// Times that are looked at: the first of them that is not too much to read.
const SPANS: [Duration; 3] =
    [Duration::from_secs(24 * 3600), Duration::from_secs(6 * 3600), Duration::from_secs(3600)];
/// Batches that are looked through; what is unpacked of them has its own limit, of bytes ([`fetch`]).
const BATCHES_MAX: usize = 20_000;
/// Devices that are counted, the first by name.
pub const DEVICES_MAX: usize = 1_000;
/// Polls before the time that tell that a device was polled then, in intervals.
const BEFORE_INTERVALS: u32 = 3;

/// What is there of the devices of an agent.
#[derive(Debug)]
pub struct Completeness {
    pub from: Micros,
    pub to: Micros,
    /// Of all that are counted.
    pub total: Complete,
    pub devices: Vec<DeviceComplete>,
}

#[derive(Debug)]
pub struct DeviceComplete {
    pub device: Named<DeviceId>,
    pub interval: Duration,
    pub complete: Complete,
}

struct Device {
    named: Named<DeviceId>,
    interval: Duration,
    created: Micros,
}

sql! { pub(in crate::store) DEVICES_OF_AGENT =
"SELECT device_id, name, interval_s, created_at FROM device
     WHERE tenant_id = $1 AND agent_id = $2 ORDER BY name, device_id LIMIT $3" }

/// Counts the polls of the devices of an agent of the caller's in the last day, or in the last six hours or
/// one, where that is too much to read. `awaited_from`: what is younger may still be at the agent.
pub async fn completeness(
    database: &Database,
    context: &TenantContext,
    (tenant, agent): (TenantId, AgentId),
    awaited_from: Option<Micros>,
    now: Micros,
) -> Result<Completeness, StoreError> {
    if !context.may(tenant, Access::Read) {
        let (total, devices) = (Complete::default(), Vec::new());
        return Ok(Completeness { from: now, to: now, total, devices });
    }
    let subject = Subject::of_agent((tenant, agent));
    let devices = devices(database, &subject).await?;
    let links = link_list(database, context, agent).await?;
    let (from, times) = polls_of_late(database, &subject, &devices, BATCHES_MAX, now).await?;
    let mut txn = subject.read(database).await?;
    let gaps = gaps::between(&mut txn, context, agent, from, now).await?;
    drop(txn);
    let (told, gaps): (Vec<_>, Vec<_>) = gaps.into_iter().partition(|gap| !is_loss(gap.reason));
    let [lost, dropped] = losses(gaps);
    // What agent and session tell of one stop differs by how long it drained, and by its start.
    let told = told.into_iter().map(|gap| (gap.from, gap.to));
    let off = Spans::new(stops(links, now).into_iter().chain(told));
    let known = Known::new([lost, dropped, off], awaited_from);
    let count = move || {
        let mut times = times;
        let one = |device: Device| {
            let due = Due {
                from: from.max(device.created),
                to: now,
                interval: device.interval,
                known: &known,
            };
            let complete = due.complete(times.remove(&device.named.id).unwrap_or_default());
            DeviceComplete { device: device.named, interval: device.interval, complete }
        };
        devices.into_iter().map(one).collect()
    };
    let broken = |_| StoreError::Corrupt { what: "polls that cannot be counted".to_owned() };
    let devices: Vec<DeviceComplete> = tokio::task::spawn_blocking(count).await.map_err(broken)?;
    let total = Complete::sum(devices.iter().map(|device| &device.complete));
    Ok(Completeness { from, to: now, total, devices })
}

async fn devices(database: &Database, subject: &Subject) -> Result<Vec<Device>, StoreError> {
    let mut txn = subject.read(database).await?;
    let limit = i64::try_from(DEVICES_MAX).unwrap_or(i64::MAX);
    let of = DEVICES_OF_AGENT.bind(subject.tenant).bind(subject.agent);
    let rows = of.bind(limit).all(&mut txn).await?;
    let mut devices = Vec::with_capacity(rows.len());
    for row in &rows {
        let interval_s: i64 = row.get(2)?;
        devices.push(Device {
            named: Named { id: DeviceId(row.get(0)?), name: row.get(1)? },
            interval: Duration::from_secs(u64::try_from(interval_s).unwrap_or(0)),
            created: Micros(row.get(3)?),
        });
    }
    Ok(devices)
}

/// Losses of polls: those that the agent declared, and what the collector dropped. A gap does not say of which
/// device it is.
fn losses(gaps: Vec<GapRow>) -> [Spans; 2] {
    let of_polls = gaps.into_iter().filter(|gap| gap.class == Group::System.class());
    let (dropped, lost): (Vec<_>, Vec<_>) =
        of_polls.partition(|gap| gap.reason == GapReason::Rejected);
    [lost, dropped].map(|gaps| Spans::new(gaps.into_iter().map(|gap| (gap.from, gap.to))))
}

/// From when on polls are read, of `batches_max` batches at most, and when each device was polled.
async fn polls_of_late(
    database: &Database,
    subject: &Subject,
    devices: &[Device],
    batches_max: usize,
    now: Micros,
) -> Result<(Micros, HashMap<DeviceId, Vec<Micros>>), StoreError> {
    let longest = devices.iter().map(|device| device.interval).max().unwrap_or_default();
    let mut too_much = StoreError::TooMuch { what: "batches", max: batches_max };
    let mut spans = SPANS.map(|span| now.before(span)).to_vec().into_iter();
    while let Some(from) = spans.next() {
        let before = from.before(longest.saturating_mul(BEFORE_INTERVALS));
        let search = fetch::Search { class: Group::System.class(), from: before, to: now };
        // Counted first: so much is not read in vain.
        if fetch::count(database, subject, &[search], batches_max + 1).await? > batches_max {
            continue;
        }
        match polls(database, subject, search).await {
            // Of bytes or polls, which is seen only as they are read: once more, and of the shortest time.
            Err(error @ StoreError::TooMuch { .. }) => {
                too_much = error;
                spans = Vec::from_iter(spans.last()).into_iter();
            }
            polls => return Ok((from, polls?)),
        }
    }
    Err(too_much)
}

/// When each device was polled.
async fn polls(
    database: &Database,
    subject: &Subject,
    search: fetch::Search,
) -> Result<HashMap<DeviceId, Vec<Micros>>, StoreError> {
    let state = (HashMap::<DeviceId, Vec<Micros>>::new(), 0);
    let found =
        fetch::for_each_row(database, subject, vec![search], state, |(times, count), found| {
            // Each poll brings one of these, also one that failed.
            if found.row.group == Group::System {
                times.entry(found.row.device).or_default().push(found.row.at);
                *count += 1;
            }
            match *count > QUERY_VALUES_MAX {
                true => Err(StoreError::TooMuch { what: "polls", max: QUERY_VALUES_MAX }),
                false => Ok(()),
            }
        });
    Ok(found.await?.0)
}

/// From each goodbye of the agent until its next session.
fn stops(newest_first: Vec<KeptLink>, now: Micros) -> Vec<(Micros, Micros)> {
    let mut until = now;
    let mut stops = Vec::new();
    for link in newest_first {
        match link.event {
            LinkEvent::Opened => until = link.at,
            LinkEvent::Ended if link.reason.as_deref() == Some("stopped") => {
                stops.push((link.at, until));
            }
            LinkEvent::Ended | LinkEvent::Moved => {}
        }
    }
    stops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{
        AGENT, DEVICE, OTHER_AGENT, OTHER_TENANT, PostgresWorld, SECOND, STREAM, T0, TENANT, World,
        alive, append, context, counters,
    };
    use crate::store::samples::{Fact, GapReason, GapRow};
    use crate::store::{SampleStore as _, Samples};

    fn at(minute: i64) -> Micros {
        Micros(T0 + minute * 60 * Micros::SECOND)
    }

    async fn what_is_missing_is_told(database: &Database, samples: &Samples) {
        // Of the last day one device was polled from hour 20 on; an hour of that is lost, one is missing, and half
        // an hour the agent was stopped.
        let polled = |minute: &i64| {
            let holes = [1260..1320, 1330..1360, 1380..1440];
            !holes.iter().any(|hole| hole.contains(minute))
        };
        let rows: Vec<_> =
            (1200..1500).filter(polled).map(|minute| alive(DEVICE, minute * 60)).collect();
        let mut batch = append(1, &rows);
        let gap = |(from, to), reason| GapRow {
            stream: STREAM,
            seq_first: 7,
            seq_last: 9,
            from: at(from),
            to: at(to),
            class: Group::System.class(),
            count: 60,
            reason,
            received: at(1500),
        };
        // What was dropped of another device is no word of the half hour that is missing.
        let gaps = [
            gap((1260, 1319), GapReason::Evicted),
            gap((1370, 1410), GapReason::Rejected),
            GapRow { count: 0, ..gap((1330, 1359), GapReason::Stopped) },
        ];
        batch.facts = gaps.into_iter().map(Fact::Gap).collect();
        // Other tables of it are no polls.
        let others = append(2, &[counters(DEVICE, 1400 * 60, 1)]);
        samples.append(&[batch, others], &[]).await.unwrap();
        let of = async |whose| {
            completeness(database, &context(TENANT), whose, None, at(1500)).await.unwrap()
        };
        let found = of((TENANT, AGENT)).await;
        assert_eq!((found.from, found.to), (at(60), at(1500)));
        let told: Vec<_> = found.devices.iter().map(|one| (one.device.id, one.complete)).collect();
        let first = Complete {
            stored: 150,
            declared: 60,
            not_asked: 1170,
            undeclared: 60,
            ..Complete::default()
        };
        assert_eq!(found.total.stored, 150);
        assert_eq!(told[0], (DEVICE, first));
        assert_eq!((told[1].0, told[1].1.stored), (SECOND, 0));
        assert_eq!(told.len(), 2);
        assert!(of((OTHER_TENANT, OTHER_AGENT)).await.devices.is_empty(), "not the caller's");
    }

    #[tokio::test]
    async fn what_is_missing_is_told_on_sqlite() {
        let world = World::open().await;
        what_is_missing_is_told(&world.database, &world.samples).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn what_is_missing_is_told_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        what_is_missing_is_told(&world.database, &world.samples).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn as_much_is_looked_at_as_is_read_in_a_moment() {
        let world = World::open().await;
        let minutes = [100, 800, 1200, 1300, 1450, 1499];
        let batch = |(seq, minute): (u64, i64)| append(seq, &[alive(DEVICE, minute * 60)]);
        let batches: Vec<_> = (1..).zip(minutes).map(batch).collect();
        world.samples.append(&batches, &[]).await.unwrap();
        let subject = Subject::of_agent((TENANT, AGENT));
        let devices = devices(&world.database, &subject).await.unwrap();
        let of = async |max| {
            let now = at(1500);
            let found = polls_of_late(&world.database, &subject, &devices, max, now).await?;
            Ok::<_, StoreError>((found.0, found.1[&DEVICE].len()))
        };
        for (max, expected) in
            [(6, (at(60), 6)), (5, (at(1140), 4)), (4, (at(1140), 4)), (2, (at(1440), 2))]
        {
            assert_eq!(of(max).await.unwrap(), expected, "{max}");
        }
        assert!(matches!(of(1).await, Err(StoreError::TooMuch { what: "batches", max: 1 })));
        world.remove().await;
    }

    #[test]
    fn only_a_goodbye_is_a_stop() {
        let link = |minute, event, reason: Option<&str>| KeptLink {
            at: at(minute),
            event,
            transport: "quic".to_owned(),
            remote: String::new(),
            reason: reason.map(str::to_owned),
        };
        let links = vec![
            link(90, LinkEvent::Ended, Some("stopped")),
            link(80, LinkEvent::Opened, None),
            link(70, LinkEvent::Ended, Some("closed")),
            link(60, LinkEvent::Opened, None),
            link(50, LinkEvent::Ended, Some("stopped")),
        ];
        let expected = [(at(90), at(100)), (at(50), at(60))];
        assert_eq!(stops(links, at(100)), expected);
    }
}
