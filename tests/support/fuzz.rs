//! What the fuzz targets of `tests/fuzz` feed: each takes any bytes, and fails by a panic. The
//! tests below feed them the corpora, and mutations of those.

// Said, as `tests/fuzz` has this file by its path.
#[path = "fuzz/history.rs"]
mod history;
#[path = "fuzz/usm.rs"]
mod usm;

pub use self::history::{console, redacted};
pub use self::usm::usm;

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use farwatch_agent::poll::ber::{OCTETS, SEQUENCE, Writer};
use farwatch_agent::poll::engine::{Engine, Moment, Settings};
use farwatch_agent::poll::message::{Body, Head, RESPONSE};
use farwatch_agent::poll::plan::{Compiled, Plan};
use farwatch_agent::poll::{Access, Manner, Observation, PollCounters, SnmpVersion, Target};
use farwatch_common::batch::{decode_events, decode_rows, encode_rows};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::definition;
use farwatch_common::transport::await_hello;
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;

const START_US: u64 = 1_800_000_000_000_000;
const COMMUNITY: &str = "public";
/// Most answers of one input.
const ANSWERS_MAX: usize = 256;

/// The SNMP decoder, and all that a poll does with what it decodes. The input is taken for a
/// datagram as it is; and for answers, one after the other, each behind its error status, error
/// index and length (one, one and two octets): they get the envelope that the question asks for.
pub fn snmp(input: &[u8]) {
    if let Ok(head) = Head::read(input)
        && let Ok(body) = Body::read(&head)
    {
        body.varbinds.for_each(drop);
    }
    for version in [SnmpVersion::V2c, SnmpVersion::V1] {
        polled(version, input);
    }
}

fn polled(version: SnmpVersion, mut input: &[u8]) {
    let access = Access::Community { version, community: COMMUNITY.into() };
    let mut poller = Poller::new(access);
    poller.receive(input);
    for _ in 0..ANSWERS_MAX {
        let question = Head::read(poller.question()).unwrap();
        let id = i32::try_from(question.request_id).unwrap();
        let [status, index, high, low, rest @ ..] = input else { return };
        let length = usize::from(*high) << 8 | usize::from(*low);
        let (varbinds, after) = rest.split_at(length.min(rest.len()));
        input = after;
        poller.receive(&enveloped(version, id, (*status, *index), varbinds));
    }
}

/// The engine with one device, whose time passes as fast as it asks.
struct Poller {
    engine: Engine,
    address: SocketAddr,
    now_us: u64,
    /// With values, so far.
    rows: usize,
}

impl Poller {
    fn new(access: Access) -> Self {
        let address: SocketAddr = ([127, 0, 0, 1], 161).into();
        let target = Target {
            device: DeviceId(1),
            host: address.ip().to_string(),
            port: address.port(),
            interval: Duration::from_secs(10),
            access,
            manner: Manner::default(),
        };
        let plan = Compiled::new(Plan::standard()).unwrap();
        let counters = Arc::new(PollCounters::default());
        let mut engine = Engine::new(plan, Settings::default(), counters, moment(START_US));
        engine.set_targets(moment(START_US), &[target]);
        Self { engine, address, now_us: START_US, rows: 0 }
    }

    /// The next question, however long it takes to be asked.
    fn question(&mut self) -> &[u8] {
        while self.engine.transmit(moment(self.now_us)).is_none() {
            self.now_us = self.engine.wake_us().unwrap().max(self.now_us);
            self.engine.tick(moment(self.now_us));
        }
        self.engine.datagram()
    }

    fn receive(&mut self, datagram: &[u8]) {
        self.now_us += 1000;
        self.engine.receive(datagram, self.address, moment(self.now_us));
        while let Some(observation) = self.engine.observation() {
            if let Observation::Row { row, schema } = observation {
                let columns = if row.cause.is_some() { 0 } else { schema.columns.len() };
                self.rows += usize::from(columns > 0);
                assert_eq!(row.values.len(), columns);
                assert_eq!(row.schema, schema.id());
                // The collector takes every schema that a device can make us send.
                definition::read(&definition::write(&schema)).unwrap();
            }
        }
    }
}

fn moment(us: u64) -> Moment {
    Moment { mono_us: us, wall: Micros(us.cast_signed()) }
}

/// A message around variables that may be anything.
fn enveloped(version: SnmpVersion, id: i32, error: (u8, u8), varbinds: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(varbinds.len() + 256);
    writer.octets(SEQUENCE, varbinds);
    writer.signed(2, i64::from(error.1));
    writer.signed(2, i64::from(error.0));
    writer.signed(2, i64::from(id));
    writer.close(RESPONSE, 0);
    writer.octets(OCTETS, COMMUNITY.as_bytes());
    writer.bytes(&[2, 1, version.on_wire()]);
    writer.close(SEQUENCE, 0);
    writer.finish().unwrap_or_default().to_vec()
}

/// The frame decoders of the collector: batches, schemas, the hello of a pipe. The input is taken
/// packed, and as what is inside of a pack.
pub fn frames(input: &[u8]) {
    let packed = zstd::bulk::compress(input, 1).unwrap();
    for data in [input, &packed] {
        drop(decode_events(data));
        if let Ok(rows) = decode_rows(data)
            && let Ok(again) = encode_rows(&rows)
        {
            let mut wanted = rows;
            let mut found = decode_rows(&again).unwrap();
            for rows in [&mut wanted, &mut found] {
                rows.sort_by_key(|row| (row.device, row.group, row.schema));
            }
            assert_eq!(wanted, found);
        }
    }
    if let Ok(def) = SchemaDef::decode(input)
        && let Ok((id, schema)) = definition::read(&def)
    {
        assert_eq!(id, schema.id());
    }
    let mut rest = input;
    let hello = std::pin::pin!(await_hello(&mut rest));
    // Bytes in memory keep nobody waiting.
    let read = hello.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(read, Poll::Ready(_)));
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::sim::pulse::{GAMMA, mix};

    const MUTATIONS: u64 = 10_000;

    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            let drawn = mix(self.0);
            self.0 = self.0.wrapping_add(GAMMA);
            (drawn % sides.max(1) as u64) as usize
        }
    }

    fn folder(target: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
    }

    pub(super) fn read(target: &str, name: &str) -> Vec<u8> {
        std::fs::read(folder(target).join(name)).unwrap()
    }

    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let mut files: Vec<_> =
            std::fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty());
        files.iter().map(|file| std::fs::read(file).unwrap()).collect()
    }

    fn mutate(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
        const ODD: [u8; 8] = [0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff];
        let mut bytes = corpus[dice.roll(corpus.len())].clone();
        for _ in 0..=dice.roll(8) {
            let at = dice.roll(bytes.len());
            let end = (at + dice.roll(32)).min(bytes.len());
            match dice.roll(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.roll(8),
                1 if !bytes.is_empty() => bytes[at] = ODD[dice.roll(ODD.len())],
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..end)),
                4 => bytes.insert(at, ODD[dice.roll(ODD.len())]),
                5 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let other = &corpus[dice.roll(corpus.len())];
                    let from = dice.roll(other.len());
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
            }
        }
        bytes
    }

    pub(super) fn check(target: &str, mutations: u64, feed: fn(&[u8])) {
        let corpus = corpus(target);
        corpus.iter().for_each(|input| feed(input));
        for seed in 0..mutations {
            let input = mutate(&mut Dice(seed), &corpus);
            let fed = std::panic::catch_unwind(|| feed(&input));
            assert!(fed.is_ok(), "seed {seed}: {input:02x?}");
        }
    }

    #[test]
    fn no_answer_of_a_device_breaks_the_poller() {
        check("snmp", MUTATIONS, snmp);
    }

    #[test]
    fn no_frame_of_an_agent_breaks_the_collector() {
        check("frames", MUTATIONS, frames);
    }
}
