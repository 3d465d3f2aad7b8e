//! History of a demo, sent as an agent sends what it could not send before: over its own uplink,
//! with its own certificate. What states its devices had meanwhile is in [`states`].

pub mod site;
pub mod states;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_agent::identity::Credentials;
use farwatch_common::clock::Micros;
use farwatch_common::sample::{Class, Row};
use farwatch_common::transport::{Session, quic};

use self::site::Ago;
use crate::sim::past::Past;
use crate::uplink::Uplink;

/// Batches on the way at most, if the collector allows as many.
const WINDOW_MAX: usize = 64;
const ACK_WITHIN: Duration = Duration::from_secs(60);
const DAY_S: i64 = 86_400;
/// What is older than a day was polled so seldom, and each time twice: a rate takes two polls.
const OLD_EVERY_S: i64 = 600;
/// What one batch covers.
const OLD_SPAN_S: i64 = 3600;
const NEW_SPAN_S: i64 = 900;
/// Of one batch of what came since.
const ROWS_MAX: usize = 1_000;

/// A device, and how often it is polled.
#[derive(Debug)]
pub struct Polled {
    pub past: Past,
    pub interval_s: i64,
    pub away: Vec<Ago>,
}

/// The seconds before now at which a device was polled, within a span that ends at one of them: in
/// the last day often enough for a line without gaps.
fn polls(interval_s: i64, span: std::ops::Range<i64>) -> Vec<i64> {
    let apart = interval_s * 2;
    if span.end <= DAY_S {
        return span.rev().filter(|ago| ago % apart == 0).collect();
    }
    let slots = span.rev().filter(|ago| ago % OLD_EVERY_S == 0);
    slots.flat_map(|ago| [ago, ago - apart]).filter(|ago| *ago >= DAY_S).collect()
}

/// Spans of so many hours of history, the oldest first.
fn spans(hours: u32) -> impl Iterator<Item = std::ops::Range<i64>> {
    let all_s = i64::from(hours) * 3600;
    let old = (DAY_S..all_s).step_by(OLD_SPAN_S as usize).map(|ago| ago..ago + OLD_SPAN_S);
    let new = (0..all_s.min(DAY_S)).step_by(NEW_SPAN_S as usize);
    let new = new.map(|ago| ago.max(1)..ago + NEW_SPAN_S);
    let all: Vec<_> = new.chain(old).collect();
    all.into_iter().rev()
}

/// What the polls of a span have read, by class.
fn batches(devices: &[Polled], span: &std::ops::Range<i64>, now: Micros) -> Vec<(Class, Vec<Row>)> {
    let (mut gauges, mut counters) = (Vec::new(), Vec::new());
    for device in devices {
        for ago in polls(device.interval_s, span.clone()) {
            let at = Micros(now.0 - ago * Micros::SECOND);
            let is_away = device.away.iter().any(|away| away.contains(&ago));
            let rows = if is_away { device.past.silence(at) } else { device.past.rows(at) };
            for row in rows {
                match row.group.class() {
                    Class::Counters => counters.push(row),
                    _ => gauges.push(row),
                }
            }
        }
    }
    vec![(Class::Gauges, gauges), (Class::Counters, counters)]
}

/// Sends so many hours of history of an agent's devices up to `now`, but for what is in `gap`, seconds before now,
/// of which nothing is known. Returns how many rows were stored.
pub async fn send(
    credentials: &Credentials,
    collector: SocketAddr,
    devices: &[Polled],
    gap: Option<Ago>,
    (hours, now): (u32, Micros),
) -> anyhow::Result<usize> {
    let spans =
        spans(hours).filter(|span| gap.as_ref().is_none_or(|gap| !gap.contains(&span.start)));
    let batches = spans.flat_map(|span| batches(devices, &span, now));
    send_batches(credentials, collector, devices, batches).await
}

/// Sends what polls would have read from where a history ends, `since`, until `now`: each device's last is of now,
/// so that its agent goes on without a hole. Returns how many rows were stored.
pub async fn send_since(
    credentials: &Credentials,
    collector: SocketAddr,
    devices: &[Polled],
    (since, now): (Micros, Micros),
) -> anyhow::Result<usize> {
    let passed_s = (now.0 - since.0) / Micros::SECOND;
    let (mut gauges, mut counters) = (Vec::new(), Vec::new());
    for device in devices {
        for ago in polls_since(device.interval_s, passed_s) {
            for row in device.past.rows(Micros(now.0 - ago * Micros::SECOND)) {
                match row.group.class() {
                    Class::Counters => counters.push(row),
                    _ => gauges.push(row),
                }
            }
        }
    }
    let by_class = [(Class::Gauges, gauges), (Class::Counters, counters)].into_iter();
    let batches = by_class.flat_map(|(class, rows)| {
        let parts: Vec<_> = rows.chunks(ROWS_MAX).map(|part| (class, part.to_vec())).collect();
        parts
    });
    send_batches(credentials, collector, devices, batches).await
}

/// The seconds before now at which a device was polled since a history ended, whose last poll was two intervals
/// before that.
fn polls_since(interval_s: i64, passed_s: i64) -> Vec<i64> {
    let all = (0..).map(|nth| nth * interval_s).take_while(|ago| *ago < passed_s + interval_s);
    let mut all: Vec<_> = all.collect();
    all.reverse();
    all
}

async fn send_batches(
    credentials: &Credentials,
    collector: SocketAddr,
    devices: &[Polled],
    batches: impl Iterator<Item = (Class, Vec<Row>)>,
) -> anyhow::Result<usize> {
    let tls = credentials.tls().context("the agent's certificate")?;
    let session: Arc<dyn Session> = Arc::new(quic::dial(collector, tls).await?);
    let mut uplink = Uplink::begin(Arc::clone(&session)).await?;
    let window = uplink.window.min(WINDOW_MAX);
    let schemas: Vec<_> = devices.iter().flat_map(|device| device.past.schemas()).collect();
    let mut stored = 0;
    for (class, rows) in batches {
        if rows.is_empty() {
            continue;
        }
        let sent = uplink.send(class, &rows, schemas.iter().map(AsRef::as_ref));
        tokio::time::timeout(ACK_WITHIN, sent).await.context("no ack")??;
        stored += rows.len();
        while uplink.open() >= window {
            tokio::time::timeout(ACK_WITHIN, uplink.acked()).await.context("no ack")??;
        }
    }
    tokio::time::timeout(ACK_WITHIN, uplink.all_acked()).await.context("no ack")??;
    session.close("all is sent");
    ensure!(stored > 0, "there was nothing to send");
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_all_of_the_time_once_and_in_its_order() {
        let spans: Vec<_> = spans(8 * 24).collect();
        assert_eq!(spans[0].end, 8 * DAY_S);
        assert_eq!(super::spans(6).next().unwrap().end, 6 * 3600);
        assert!(spans.windows(2).all(|pair| pair[0].start == pair[1].end));
        assert_eq!(spans.last().unwrap().start, 1);
    }

    #[test]
    fn polls_are_often_enough_for_a_line_and_never_at_the_same_time() {
        for interval_s in [10, 15, 30] {
            let agos: Vec<i64> = spans(8 * 24).flat_map(|span| polls(interval_s, span)).collect();
            assert!(agos.windows(2).all(|pair| pair[0] > pair[1]), "{interval_s}");
            let last_day = agos.iter().filter(|ago| **ago < DAY_S).collect::<Vec<_>>();
            // A poll is missing after two and a half intervals.
            assert!(last_day.windows(2).all(|pair| (pair[0] - pair[1]) * 2 <= interval_s * 5));
            // Whenever what came since is sent, it goes on where the history ends.
            for passed_s in [0, 7, 61] {
                let since = polls_since(interval_s, passed_s);
                let hole = agos[agos.len() - 1] + passed_s - since[0];
                assert!((1..=2 * interval_s).contains(&hole), "{interval_s} {passed_s}: {hole}");
                assert!(since.windows(2).all(|pair| pair[0] - pair[1] == interval_s));
                assert_eq!(since.last(), Some(&0));
            }
            // Any hour of the week has rates.
            assert!(agos.windows(2).any(|p| p[0] - p[1] == interval_s * 2 && p[0] > 7 * DAY_S));
        }
    }
}
