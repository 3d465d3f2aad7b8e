//! The engine on a bad line: lost, late, doubled, cut and forged datagrams, by seed.

use std::time::Duration;

use farwatch_agent::poll::SnmpVersion;
use farwatch_agent::poll::ber::{INTEGER, OBJECT_ID, SEQUENCE, Writer};
use farwatch_agent::poll::message::{self, RESPONSE};
use farwatch_agent::poll::oid::Oid;
use farwatch_agent::poll::plan;
use farwatch_common::sample::Group;
use farwatch_support::sim::router::{Kind, Router};

use super::net::{Fate, INTERVAL, Net};

const SEEDS: u64 = 8;
const DEVICES: u64 = 12;
/// A poll with every question repeated once takes less.
const SLACK: Duration = Duration::from_secs(60);

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A guessed answer that claims a counter of 42.
fn forged(dice: &mut Dice, community: &[u8]) -> Vec<u8> {
    let id = i32::try_from(dice.roll(1 << 31)).unwrap_or(0);
    let mut writer = Writer::new(512);
    message::write(&mut writer, 1, community, RESPONSE, (id, 0, 0), |w| {
        let end = w.len();
        w.signed(INTEGER, 42);
        w.octets(OBJECT_ID, Oid::new(&[&plan::if_x_column(6)[..], &[1]].concat()).as_bytes());
        w.close(SEQUENCE, end);
    });
    writer.finish().unwrap_or_default().to_vec()
}

#[test]
fn a_bad_line_gives_no_wrong_value_and_leaves_no_device_stuck() {
    for seed in 0..SEEDS {
        let mut net = Net::standard();
        for at in 0..DEVICES {
            let kind = Kind::ALL[(at % 5) as usize];
            net.add(Router::new(kind, 3 + at as u32, at), SnmpVersion::V2c);
        }
        let mut dice = Dice(seed);
        net.run_with(Duration::from_secs(300), &mut |net, answer| {
            let now = net.now_us;
            let from = net.asked.last().map(|(_, to, _)| *to).unwrap_or_else(|| unreachable!());
            match dice.roll(100) {
                0..5 => Fate::Lost,
                // Twice the time-outs, and in between.
                5..9 => Fate::Arrives { after_us: 900_000 + dice.roll(3_200_000) },
                9..12 => {
                    let length = dice.roll(answer.len() as u64) as usize;
                    net.fly(now + 1000, from, answer[..length].to_vec());
                    Fate::Lost
                }
                12..16 => {
                    net.fly(now + dice.roll(5_000_000), from, answer.to_vec());
                    Fate::Arrives { after_us: 3_000 }
                }
                16..24 => {
                    let community = if dice.roll(2) == 0 { &b"tests-only"[..] } else { b"public" };
                    let bytes = forged(&mut dice, community);
                    net.fly(now + 500, from, bytes);
                    Fate::Arrives { after_us: 20_000 }
                }
                _ => Fate::Arrives { after_us: 1_000 + dice.roll(50_000) },
            }
        });
        let bad = net.counters.snapshot();
        assert!(bad.late_replies > 0 && bad.malformed > 0 && bad.strays > 0, "{bad:?}");
        for (row, schema) in net.seen.iter().filter(|(row, _)| row.cause.is_none()) {
            if row.group == Group::Interfaces {
                net.verify(row, schema, SLACK);
            }
        }
        // On a good line again, every device answers at its next slot.
        net.seen.clear();
        net.run(INTERVAL * 2);
        net.seen.clear();
        net.run(INTERVAL);
        for device in 0..DEVICES as i64 {
            let rows = net.rows(device, Group::Interfaces);
            assert_eq!(rows.len(), 1, "seed {seed}, device {device}");
            let (row, schema) = rows[0];
            assert_eq!(row.cause, None, "seed {seed}, device {device}");
            let interfaces = 3 + device as usize;
            assert_eq!(net.verify(row, schema, Duration::from_secs(1)), interfaces * 14);
        }
        assert_eq!(net.engine.busy(), 0);
    }
}
