//! How a device is treated: what is sent to it, when, and whose answers count.

use std::net::SocketAddr;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, Group};
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};

use super::device::Step;
use super::*;
use crate::poll::Target;
use crate::poll::ber::Writer;
use crate::poll::message::{self, Body, Head, RESPONSE, Value};
use crate::poll::plan::{Plan, Subject};
use crate::poll::{Access, Manner, SnmpUser, SnmpVersion};

const DEVICE: &str = "192.0.2.1:161";
const INTERVAL_US: u64 = 10_000_000;

fn moment(mono_us: u64) -> Moment {
    Moment { mono_us, wall: Micros(mono_us.cast_signed()) }
}

fn engine(access: Access, manner: Manner) -> (Engine, u64) {
    let start_us = 1_000 * INTERVAL_US;
    let settings = Settings { first_poll_within: Duration::ZERO, ..Settings::default() };
    let plan = Compiled::new(Plan::standard()).unwrap();
    let mut engine =
        Engine::new(plan, settings, Arc::new(PollCounters::default()), moment(start_us));
    let address: SocketAddr = DEVICE.parse().unwrap();
    let target = Target {
        device: DeviceId(1),
        host: address.ip().to_string(),
        port: address.port(),
        interval: Duration::from_micros(INTERVAL_US),
        access,
        manner,
    };
    assert_eq!(engine.set_targets(moment(start_us), &[target]), 0);
    (engine, start_us)
}

fn community() -> Access {
    Access::Community { version: SnmpVersion::V2c, community: "public".into() }
}

/// Lets time pass to the engine's next timer.
fn wake(engine: &mut Engine) -> Moment {
    let now = moment(engine.wake_us().unwrap());
    engine.tick(now);
    now
}

fn user() -> Access {
    Access::User(SnmpUser {
        name: b"watch".to_vec(),
        auth: Some((SnmpAuth::Sha256, "auth-password".into())),
        privacy: Some((SnmpPrivacy::Aes128, "priv-password".into())),
        context: Vec::new(),
    })
}

/// The answer to the question that was sent last: it has none of the objects.
fn answer(engine: &Engine) -> Vec<u8> {
    let head = Head::read(engine.datagram()).unwrap();
    let body = Body::read(&head).unwrap();
    let names: Vec<&[u8]> = body
        .varbinds
        .map(|varbind| {
            let (name, value) = varbind.unwrap();
            assert_eq!(value, Value::Nothing);
            name
        })
        .collect();
    let id = i32::try_from(head.request_id).unwrap();
    let mut writer = Writer::new(2048);
    message::write(&mut writer, 1, head.community, RESPONSE, (id, 0, 0), |writer| {
        for name in names.iter().rev() {
            message::write_name(writer, name, &[]);
        }
    });
    writer.finish().unwrap().to_vec()
}

#[test]
fn without_a_credential_nothing_is_sent_and_every_slot_says_so() {
    let (mut engine, start_us) = engine(Access::Nothing, Manner::default());
    for slot in 0..5 {
        let now = wake(&mut engine);
        assert!(engine.transmit(now).is_none());
        let Some(Observation::Row { row, .. }) = engine.observation() else { panic!() };
        assert_eq!((row.group, row.cause), (Group::System, Some(Cause::NoCredential)));
        assert!(engine.observation().is_none());
        assert!(now.mono_us <= start_us + (slot + 1) * INTERVAL_US);
    }
    let counted = engine.counters.snapshot();
    assert_eq!((counted.requests, counted.polls, counted.failed), (0, 5, 0));
    assert_eq!(engine.busy(), 0);
}

/// Every device that comes to a slot is sent the answer to the one before, as late as can be.
#[test]
fn the_answer_to_a_device_that_is_gone_is_nobody_elses() {
    let (mut engine, start_us) = engine(community(), Manner::default());
    let from: SocketAddr = DEVICE.parse().unwrap();
    let mut now = moment(start_us);
    let mut late: Option<Vec<u8>> = None;
    // Far more than there are generations.
    for id in 2..10_000 {
        let target = Target {
            device: DeviceId(id),
            host: from.ip().to_string(),
            port: from.port(),
            interval: Duration::from_micros(INTERVAL_US),
            access: community(),
            manner: Manner::default(),
        };
        assert_eq!(engine.set_targets(now, &[target]), 0);
        now = wake(&mut engine);
        let sent = engine.transmit(now).unwrap();
        assert_eq!(sent.slot, 0, "the slot is used again");
        if let Some(late) = late.replace(answer(&engine)) {
            engine.receive(&late, from, now);
        }
        assert!(engine.transmit(now).is_none(), "device {id}");
    }
    let counted = engine.counters.snapshot();
    assert_eq!((counted.replies, counted.late_replies), (0, 9_997));
}

#[test]
fn an_answer_from_elsewhere_counts_unless_the_source_is_strict() {
    for strict_source in [false, true] {
        let manner = Manner { strict_source, ..Manner::default() };
        let (mut engine, _) = engine(community(), manner);
        let now = wake(&mut engine);
        let sent = engine.transmit(now).unwrap();
        assert_eq!(sent.to, DEVICE.parse().unwrap());
        let bytes = answer(&engine);
        engine.receive(&bytes, "192.0.2.99:161".parse().unwrap(), now);
        let counted = engine.counters.snapshot();
        let wanted = if strict_source { (0, 0, 1) } else { (1, 1, 0) };
        assert_eq!((counted.replies, counted.foreign_source, counted.strays), wanted);
        // The device itself may still answer, once.
        engine.receive(&bytes, sent.to, now);
        assert_eq!(engine.counters.snapshot().replies, 1);
        let elsewhere = (!strict_source).then(|| "192.0.2.99".parse().unwrap());
        assert_eq!(engine.answers_from(DeviceId(1)), elsewhere);
    }
}

const ELSEWHERE: &str = "192.0.2.99:161";

/// What a poll with a strict source ends with, of a device whose questions are all met by `heard`: from
/// where, and which bytes.
fn strict_end(access: Access, heard: impl Fn(&Engine) -> Vec<(&'static str, Vec<u8>)>) -> Polled {
    let (mut engine, _) = engine(access, Manner { strict_source: true, ..Manner::default() });
    let mut now = wake(&mut engine);
    assert!(engine.poll_now(DeviceId(1)));
    loop {
        while engine.transmit(now).is_some() {
            for (from, bytes) in heard(&engine) {
                engine.receive(&bytes, from.parse().unwrap(), now);
            }
        }
        if let Some((_, polled)) = engine.polled() {
            return polled.unwrap();
        }
        now = wake(&mut engine);
    }
}

#[test]
fn answers_that_are_refused_for_their_source_are_no_silence() {
    let polled = strict_end(community(), |engine| vec![(ELSEWHERE, answer(engine))]);
    assert_eq!(polled.cause, Some(Cause::OtherSource));
    assert_eq!(polled.answers_from, Some("192.0.2.99".parse().unwrap()));
    // Who is the agent? A Report of it, or anything with the id of the question.
    let polled = strict_end(user(), |engine| vec![(ELSEWHERE, engine.datagram().to_vec())]);
    assert_eq!(polled.cause, Some(Cause::OtherSource));
}

#[test]
fn who_cannot_answer_a_question_says_nothing_about_a_strict_source() {
    let swap = |bytes: &mut [u8], from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
    };
    let other_id = |engine: &Engine| {
        let mut bytes = answer(engine);
        let id = i32::try_from(Head::read(&bytes).unwrap().request_id).unwrap().to_be_bytes();
        let start = usize::from(id[0] == 0);
        swap(&mut bytes, &id[start..], &(i32::from_be_bytes(id) ^ 1).to_be_bytes()[start..]);
        vec![(ELSEWHERE, bytes)]
    };
    let other_community = |engine: &Engine| {
        let mut bytes = answer(engine);
        swap(&mut bytes, b"public", b"secret");
        vec![(ELSEWHERE, bytes)]
    };
    let question = |engine: &Engine| vec![(ELSEWHERE, engine.datagram().to_vec())];
    let silent = [strict_end(community(), other_id), strict_end(community(), other_community)];
    for polled in silent.into_iter().chain([strict_end(community(), question)]) {
        assert_eq!((polled.cause, polled.answers_from), (Some(Cause::Timeout), None));
    }
    // Whoever reads the questions on their way may answer them: a device that does so itself is heard.
    let forged = |engine: &Engine| {
        let bytes = answer(engine);
        vec![(ELSEWHERE, bytes.clone()), (DEVICE, bytes.clone()), (ELSEWHERE, bytes)]
    };
    let honest = |engine: &Engine| vec![(DEVICE, answer(engine))];
    assert_eq!(strict_end(community(), forged), strict_end(community(), honest));
}

#[test]
fn a_device_that_is_nowhere_says_why() {
    for (host, cause) in
        [("router.example", Cause::Unresolved), ("fe80::1%eth99", Cause::NoInterface)]
    {
        let (mut engine, start_us) = engine(community(), Manner::default());
        let address = DEVICE.parse().unwrap();
        let interval = Duration::from_micros(INTERVAL_US);
        let manner = Manner::default();
        let host = host.to_owned();
        let device = DeviceId(2);
        let target = Target { device, host, port: 161, interval, access: community(), manner };
        assert_eq!(engine.set_targets(moment(start_us), &[target]), 0);
        let now = wake(&mut engine);
        assert!(engine.transmit(now).is_none());
        let Some(Observation::Row { row, .. }) = engine.observation() else { panic!() };
        assert_eq!((row.group, row.cause), (Group::System, Some(cause)));
        engine.set_address(now, device, address);
        let now = wake(&mut engine);
        assert_eq!(engine.transmit(now).unwrap().to, address);
    }
}

#[test]
fn questions_keep_their_distance_which_is_a_second_at_most() {
    for (asked, kept_us) in [(250, 250_000), (5_000, 1_000_000)] {
        let manner = Manner { request_gap: Duration::from_millis(asked), ..Manner::default() };
        let (mut engine, _) = engine(community(), manner);
        let mut now = wake(&mut engine);
        let sent = engine.transmit(now).unwrap();
        // Of facts two questions, of samples one.
        for _ in 0..2 {
            engine.receive(&answer(&engine), sent.to, moment(now.mono_us + 1_000));
            assert!(engine.transmit(moment(now.mono_us + 1_000)).is_none());
            let next = wake(&mut engine);
            assert!(engine.transmit(next).is_some());
            let distance = next.mono_us - now.mono_us;
            assert!((kept_us..kept_us + 10_000).contains(&distance), "{distance}");
            now = next;
        }
        // An answer that never comes is still a time-out.
        let next = wake(&mut engine);
        assert_eq!(engine.counters.snapshot().timeouts, 1);
        assert!(engine.transmit(next).is_some());
    }
}

#[test]
fn a_device_without_a_gap_is_asked_on_at_once() {
    let (mut engine, _) = engine(community(), Manner::default());
    let now = wake(&mut engine);
    let sent = engine.transmit(now).unwrap();
    engine.receive(&answer(&engine), sent.to, now);
    assert!(engine.transmit(now).is_some());
}

#[test]
fn who_comes_last_does_not_pay_for_the_time_that_others_took() {
    let (mut engine, _) = engine(community(), Manner::default());
    let now = wake(&mut engine);
    assert!(engine.transmit(now).is_some());
    let number = engine.poll_of(0).unwrap();
    let poll = &mut engine.polls[number as usize];
    (poll.heard, poll.spent, poll.phase_us) = (true, true, now.mono_us);
    let steps = [Step::Subject(Subject::Storage), Step::Table(1)];
    for (after_us, rests) in [(30_000_000, None), (30_000_001, Some(Cause::Budget))] {
        let now = moment(now.mono_us + after_us);
        for step in steps {
            engine.step_failed(0, number, (step, Cause::Budget), now);
        }
        let device = engine.device(0).unwrap();
        assert_eq!(device.subjects[Subject::Storage as usize].rests(now.mono_us), rests);
        assert_eq!(device.tables[1].retry.rests(now.mono_us), rests);
    }
}

#[test]
fn a_device_of_v3_is_not_answered_for_by_a_bare_pdu() {
    let (mut engine, _) = engine(user(), Manner::default());
    let now = wake(&mut engine);
    let sent = engine.transmit(now).unwrap();
    let asked = usm::Message::read(engine.datagram()).unwrap();
    // As v2c, but for its version: no digest, and the community that a user has not.
    let mut writer = Writer::new(256);
    let numbers = (i32::try_from(asked.id).unwrap(), 0, 0);
    message::write(&mut writer, 1, &[], RESPONSE, numbers, |_| {});
    let mut bytes = writer.finish().unwrap().to_vec();
    for version in [0, 1, 3] {
        bytes[4] = version;
        assert_eq!(Head::read(&bytes).unwrap().version, i64::from(version));
        engine.receive(&bytes, sent.to, now);
    }
    let counted = engine.counters.snapshot();
    assert_eq!((counted.replies, counted.strays), (0, 3));
    assert!(engine.transmit(now).is_none());
}

/// Each device of a fleet may be asked a question every second, and answers at once.
#[test]
fn polls_that_wait_for_their_gap_are_bounded_and_none_is_left_behind() {
    let (mut engine, start_us) = engine(community(), Manner::default());
    let manner = Manner { request_gap: Duration::from_secs(1), ..Manner::default() };
    let count = HELD_MAX as i64 + 1_000;
    // One device without a gap comes to its slots again and again.
    let quick = count + 1;
    let target = |id: i64| Target {
        device: DeviceId(id),
        host: format!("10.{}.{}.{}", id >> 16, id >> 8 & 255, id & 255),
        port: 161,
        interval: Duration::from_secs(3_600),
        access: community(),
        manner,
    };
    let mut targets: Vec<Target> = (1..=count).map(target).collect();
    let interval = Duration::from_secs(1);
    targets.push(Target { interval, manner: Manner::default(), ..target(quick) });
    assert_eq!(engine.set_targets(moment(start_us), &targets), 0);
    let (mut most, mut quick_while_full) = (0, 0);
    let mut slow_ended = 0;
    let mut now = moment(start_us);
    while slow_ended < count || engine.held > 0 {
        assert!(now.mono_us < start_us + 600_000_000, "{:?}", engine.counters.snapshot());
        while let Some(sent) = engine.transmit(now) {
            assert!(engine.in_flight() <= WINDOW);
            engine.receive(&answer(&engine), sent.to, now);
            while let Some(observation) = engine.observation() {
                let Observation::Row { row, .. } = observation else { continue };
                let is_quick = row.device == DeviceId(quick);
                if row.group == Group::System {
                    slow_ended += i64::from(!is_quick);
                    quick_while_full += usize::from(is_quick && engine.held == HELD_MAX);
                }
            }
        }
        most = most.max(engine.held);
        now = wake(&mut engine);
    }
    assert_eq!((most, engine.held), (HELD_MAX, 0));
    assert!(quick_while_full > 0);
}
