//! Kinds of routers, with names and numbers as such gear has them.

use farwatch_agent::poll::oid::Oid;
use farwatch_common::clock::Micros;

use super::mib::{Flow, Mib, Object};
use super::pulse::{Turns, mix};
use super::respond::Responder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    MikroTik,
    EdgeOs,
    Cisco,
    Juniper,
    Linux,
    Switch,
    AccessPoint,
    Radio,
    Power,
}

impl Kind {
    /// The routers among them: what tests and benchmarks take in turn.
    pub const ALL: [Self; 5] =
        [Self::MikroTik, Self::EdgeOs, Self::Cisco, Self::Juniper, Self::Linux];

    /// As a field is written down, see [`super::field`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "mikrotik" => Self::MikroTik,
            "edgeos" => Self::EdgeOs,
            "cisco" => Self::Cisco,
            "juniper" => Self::Juniper,
            "linux" => Self::Linux,
            "switch" => Self::Switch,
            "ap" => Self::AccessPoint,
            "radio" => Self::Radio,
            "power" => Self::Power,
            _ => return None,
        })
    }

    /// Of its chassis, where it has sensors.
    #[must_use]
    pub fn model(self) -> &'static str {
        match self {
            Self::MikroTik => "CCR2004-1G-12S+2XS",
            Self::EdgeOs => "ER-4",
            Self::Cisco => "C1111-8P",
            Self::Juniper => "SRX345",
            Self::Linux => "",
            Self::Switch => "C9300-24P",
            Self::AccessPoint => "Rocket 5AC",
            Self::Radio => "RBLHGG-60ad",
            Self::Power => "SMT3000RMI2UC",
        }
    }

    fn identity(self) -> Identity {
        match self {
            Self::MikroTik => Identity {
                descr: "RouterOS CCR2004-1G-12S+2XS",
                object_id: &[1, 3, 6, 1, 4, 1, 14988, 1],
                name: "core",
                location: "Rack 7, upper half",
            },
            Self::EdgeOs => Identity {
                descr: "EdgeOS v2.0.9 on EdgeRouter 4, simulated",
                object_id: &[1, 3, 6, 1, 4, 1, 41112, 1, 5],
                name: "edge",
                location: "Tower north",
            },
            Self::Cisco => Identity {
                descr: "Cisco IOS XE Software\r\nVersion 17.9 (simulated)",
                object_id: &[1, 3, 6, 1, 4, 1, 9, 1, 2494],
                name: "branch",
                location: "Bureau Z\u{fc}rich",
            },
            Self::Juniper => Identity {
                descr: "Juniper Networks, Inc. srx345 internet router, simulated",
                object_id: &[1, 3, 6, 1, 4, 1, 2636, 1, 1, 1, 2, 135],
                name: "srx",
                location: "Basement",
            },
            Self::Linux => Identity {
                descr: "Linux gateway 6.1.0 #1 SMP x86_64, simulated",
                object_id: &[1, 3, 6, 1, 4, 1, 8072, 3, 2, 10],
                name: "gateway",
                location: "",
            },
            // ciscoCat9300FixedSwitchStack of CISCO-PRODUCTS-MIB.
            Self::Switch => Identity {
                descr: "Cisco IOS Software [Cupertino], Catalyst L3 Switch Software \
                        (CAT9K_IOSXE), Version 17.9.4a, RELEASE SOFTWARE (fc3)",
                object_id: &[1, 3, 6, 1, 4, 1, 9, 1, 2494],
                name: "switch",
                location: "Rack 3",
            },
            // airOS is a Linux that says so, under the number of FROGFOOT-RESOURCES-MIB.
            Self::AccessPoint => Identity {
                descr: "Linux 2.6.33 #1 (airOS XW.v6.3.11)",
                object_id: &[1, 3, 6, 1, 4, 1, 10002, 1],
                name: "ap",
                location: "Mast",
            },
            Self::Radio => Identity {
                descr: "RouterOS RBLHGG-60ad",
                object_id: &[1, 3, 6, 1, 4, 1, 14988, 1],
                name: "radio",
                location: "Roof",
            },
            // smartUPS3000 of PowerNet-MIB.
            Self::Power => Identity {
                descr: "APC Web/SNMP Management Card (AOS v6.8.2, Smart-UPS 3000)",
                object_id: &[1, 3, 6, 1, 4, 1, 318, 1, 3, 27],
                name: "ups",
                location: "Power room",
            },
        }
    }

    /// The place of the interface that leads out: a Linux lists its loopback first.
    fn uplink(self) -> u32 {
        u32::from(self == Self::Linux)
    }

    /// ifIndex, name and Mbit/s of the `at`-th interface.
    fn interface(self, at: u32) -> (u32, String, u32) {
        match self {
            Self::MikroTik if at == 0 => (1, "ether1".into(), 1000),
            Self::MikroTik => (at + 1, format!("sfp-sfpplus{at}"), 10_000),
            Self::EdgeOs => (at + 2, format!("eth{at}"), 1000),
            Self::Cisco if at < 2 => (at + 1, format!("TenGigabitEthernet0/1/{at}"), 10_000),
            Self::Cisco => (at + 1, format!("GigabitEthernet0/0/{}", at - 2), 1000),
            Self::Juniper => (507 + at * 3, format!("ge-0/0/{at}"), 1000),
            Self::Linux if at == 0 => (1, "lo".into(), 10),
            Self::Linux if at == 1 => (2, "eth0".into(), 1000),
            Self::Linux => (at + 1, format!("vlan{}", at * 10), 100),
            // The uplink is a port of the module.
            Self::Switch if at == 0 => (41, "TenGigabitEthernet1/1/1".into(), 10_000),
            Self::Switch => (at + 8, format!("GigabitEthernet1/0/{at}"), 1000),
            Self::AccessPoint if at == 0 => (2, "eth0".into(), 1000),
            Self::AccessPoint if at == 1 => (5, "ath0".into(), 300),
            Self::AccessPoint => (at + 6, format!("br{}", at - 2), 1000),
            Self::Radio if at == 1 => (2, "wlan60-1".into(), 1000),
            Self::Radio => (at + 1, format!("ether{}", at.max(1)), 1000),
            Self::Power => (at + 1, format!("eth{at}"), 100),
        }
    }
}

struct Identity {
    descr: &'static str,
    object_id: &'static [u32],
    name: &'static str,
    location: &'static str,
}

/// 2026-01-01 UTC. Routers were started up to a year before, each at its own time, which does not
/// move when the simulator is restarted.
const STARTED_BEFORE: i64 = 1_767_225_600;
const DAY_US: i64 = 86_400 * Micros::SECOND;

/// One simulated router.
#[derive(Clone, Copy, Debug)]
pub struct Router {
    pub kind: Kind,
    pub interfaces: u32,
    /// Makes it different from others of its kind.
    pub seed: u64,
    /// Has ifXTable, and with it 64-bit counters.
    pub wide: bool,
    /// Mean load of the uplink in per cent; of its own choice without.
    pub uplink_percent: Option<u8>,
    /// The place of an interface that comes and goes, and when it is there.
    pub flaps: Option<(u32, Turns)>,
}

impl Router {
    #[must_use]
    pub fn new(kind: Kind, interfaces: u32, seed: u64) -> Self {
        Self { kind, interfaces, seed, wide: true, uplink_percent: None, flaps: None }
    }

    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.kind.identity().name, self.seed + 1)
    }

    #[must_use]
    pub fn started(&self) -> Micros {
        let days = i64::try_from(mix(self.seed) % 365).unwrap_or(0);
        Micros(STARTED_BEFORE * Micros::SECOND - days * DAY_US)
    }

    #[must_use]
    pub fn responder(&self, community: &[u8]) -> Responder {
        Responder::new(self.mib(), community, self.started())
    }

    #[must_use]
    pub fn mib(&self) -> Mib {
        let mut mib = Mib::default();
        let identity = self.kind.identity();
        mib.put(&[1, 1, 0], Object::text(identity.descr));
        mib.put(&[1, 2, 0], Object::ObjectId(Oid::new(identity.object_id)));
        mib.put(&[1, 3, 0], Object::Uptime);
        mib.put(&[1, 4, 0], Object::text("noc@example.net"));
        mib.put(&[1, 5, 0], Object::text(&self.name()));
        mib.put(&[1, 6, 0], Object::text(identity.location));
        mib.put(&[1, 7, 0], Object::Integer(78));
        mib.put(&[2, 1, 0], Object::Integer(i64::from(self.interfaces)));
        for at in 0..self.interfaces {
            self.put_interface(&mut mib, at);
        }
        if self.wide {
            mib.put(&[31, 1, 5, 0], Object::Gauge32(4242));
        }
        mib
    }

    fn load(&self, at: u32, mbps: u32) -> Load {
        match self.uplink_percent {
            Some(share) if at == self.kind.uplink() => Load::Percent(share),
            _ if self.flaps.is_some_and(|(place, _)| place == at) => Load::Busy,
            _ => Load::of(self.seed, at, mbps),
        }
    }

    fn put_interface(&self, mib: &mut Mib, at: u32) {
        let (index, name, mbps) = self.kind.interface(at);
        let load = self.load(at, mbps);
        let turns = self.flaps.and_then(|(place, turns)| (place == at).then_some(turns));
        // What does not pass while it is down does not count.
        let flow = |flow: Flow| Flow { turns, ..flow };
        let octet = |shift: u32| u8::try_from(mix(self.seed) >> shift & 0xff).unwrap_or(0);
        let mac = [0x02, 0x8f, octet(0), octet(8), octet(16), u8::try_from(at).unwrap_or(0)];
        let bps = u64::from(mbps) * 1_000_000;
        let mut row = |column, object| mib.put(&[2, 2, 1, column, index], object);
        row(1, Object::Integer(i64::from(index)));
        row(2, Object::text(&name));
        row(3, Object::Integer(interface_type(&name)));
        row(4, Object::Integer(1500));
        row(5, Object::Gauge32(u32::try_from(bps).unwrap_or(u32::MAX)));
        row(6, Object::Octets(mac.to_vec()));
        row(7, Object::Integer(if load == Load::Disabled { 2 } else { 1 }));
        row(
            8,
            match turns {
                Some(turns) => Object::Either(turns, 1, 2),
                None => Object::Integer(if load.is_down() { 2 } else { 1 }),
            },
        );
        row(10, Object::Counter32(flow(load.octets(self.seed, at, mbps, 0))));
        row(11, Object::Counter32(flow(load.packets(self.seed, at, mbps, 0))));
        row(13, Object::Counter32(load.errors(at, 5)));
        row(14, Object::Counter32(load.errors(at, 2)));
        row(16, Object::Counter32(flow(load.octets(self.seed, at, mbps, 1))));
        row(17, Object::Counter32(flow(load.packets(self.seed, at, mbps, 1))));
        row(19, Object::Counter32(load.errors(at, 11)));
        row(20, Object::Counter32(load.errors(at, 1)));
        if !self.wide {
            return;
        }
        let alias = if at == self.kind.uplink() { "uplink" } else { "" };
        let mut row = |column, object| mib.put(&[31, 1, 1, 1, column, index], object);
        row(1, Object::text(&name));
        for (way, octets, multicast32) in [(0, 6, 2), (1, 10, 4)] {
            row(octets, Object::Counter64(flow(load.octets(self.seed, at, mbps, way))));
            row(octets + 1, Object::Counter64(flow(load.packets(self.seed, at, mbps, way))));
            let few = load.errors(at, 3000 + way);
            row(multicast32, Object::Counter32(few));
            row(multicast32 + 1, Object::Counter32(few));
            row(octets + 2, Object::Counter64(few));
            row(octets + 3, Object::Counter64(few));
        }
        row(15, Object::Gauge32(mbps));
        row(18, Object::text(alias));
    }
}

/// IANAifType-MIB: softwareLoopback, ieee80211, l2vlan, bridge, ethernetCsmacd.
fn interface_type(name: &str) -> i64 {
    match name {
        "lo" => 24,
        "ath0" | "wlan60-1" => 71,
        _ if name.starts_with("vlan") => 135,
        _ if name.starts_with("br") => 209,
        _ => 6,
    }
}

/// How busy an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Disabled,
    Down,
    Idle,
    Light,
    Busy,
    /// Mean share of what the line carries.
    Percent(u8),
}

impl Load {
    /// The first interface is the busy uplink; of the others some are idle, some down.
    fn of(seed: u64, at: u32, mbps: u32) -> Self {
        if at == 0 {
            return if mbps < 100 { Self::Idle } else { Self::Busy };
        }
        match mix(seed ^ u64::from(at) << 32) % 8 {
            0 if at > 2 => Self::Disabled,
            1 if at > 1 => Self::Down,
            2 => Self::Idle,
            3..=5 => Self::Light,
            _ => Self::Busy,
        }
    }

    fn is_down(self) -> bool {
        matches!(self, Self::Down | Self::Disabled)
    }

    /// Octets an hour; `way` 0 is in, 1 is out.
    fn octets(self, seed: u64, at: u32, mbps: u32, way: u64) -> Flow {
        let dice = mix(seed ^ u64::from(at) << 8 ^ way);
        let line = u64::from(mbps) * 125_000 * 3600;
        let per_hour = match self {
            Self::Disabled | Self::Down => 0,
            Self::Idle => 40_000 + dice % 90_000,
            Self::Light => line / 100 + line / 1000 * (dice % 40),
            Self::Busy => line / 5 + line / 1000 * (dice % 250),
            // One way is the busier one.
            Self::Percent(share) if way == 0 => line / 100 * u64::from(share),
            Self::Percent(share) => line / 400 * u64::from(share),
        };
        let base = if per_hour == 0 { 0 } else { dice % 1_000_000_000 };
        Flow { base, per_hour, pulse: Some(dice), turns: None }
    }

    fn packets(self, seed: u64, at: u32, mbps: u32, way: u64) -> Flow {
        let octets = self.octets(seed, at, mbps, way);
        Flow { base: octets.base / 700, per_hour: octets.per_hour / 700, ..octets }
    }

    /// A few an hour on interfaces that carry something.
    fn errors(self, at: u32, per_hour: u64) -> Flow {
        let per_hour = match self {
            Self::Light | Self::Busy | Self::Percent(_) => per_hour * u64::from(at % 3 + 1),
            Self::Disabled | Self::Down | Self::Idle => 0,
        };
        Flow { base: 0, per_hour, pulse: None, turns: None }
    }
}
