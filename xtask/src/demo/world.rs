//! What the demo shows, as data: two tenants, three sites, and their gear. Both tenants have the same
//! addresses, as tenants do.

use std::net::SocketAddr;

use super::Pace;

/// Everybody's network; the last octet is a device's.
const NETWORK: &str = "192.168.88";
const SNMP_PORT: u16 = 161;
const SSH_PORT: u16 = 22;
/// Of the gear, not of Farwatch: nothing but the simulators listens to them.
pub(crate) const COMMUNITY: &str = "public";
pub(crate) const SNMP_USER: [&str; 3] = ["monitor", "demo-auth-password", "demo-privacy-password"];
pub(crate) const SSH_USER: &str = "backup";
pub(crate) const SSH_PASSWORD: &str = "demo-ssh-password";
/// Devices with this tag have a configuration to fetch.
pub(crate) const SSH_TAG: &str = "config";

pub(crate) struct Tenant {
    pub(crate) name: &'static str,
    pub(crate) sites: &'static [Site],
}

pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// Of its folder.
    pub(crate) key: &'static str,
    /// Makes its gear different from that of others.
    pub(crate) seed: u32,
    /// Its link is cut now and then.
    pub(crate) link_is_cut: bool,
    /// Of its history nothing is known between these.
    pub(crate) gap: Option<Away>,
    pub(crate) devices: &'static [Device],
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    /// Last octet of its address.
    pub(crate) host: u8,
    pub(crate) name: &'static str,
    /// As the simulator names it, and how many interfaces it has.
    gear: (&'static str, u32),
    /// More words for the simulator, see `tests/support/sim/field.rs`.
    more: &'static str,
    pub(crate) snmp: Snmp,
    /// Platform of the command line that it has.
    pub(crate) ssh: Option<&'static str>,
    pub(crate) interval_s: u32,
    /// The place of a port that comes and goes.
    flaps: Option<u32>,
    /// It is not there all the time.
    dies: bool,
    /// When it was out of order, the oldest first.
    pub(crate) away: &'static [Away],
}

/// From and to, in minutes before the demo began.
pub(crate) type Away = (u32, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Snmp {
    V2c,
    V3,
}

const fn device(
    host: u8,
    name: &'static str,
    gear: (&'static str, u32),
    more: &'static str,
) -> Device {
    Device {
        host,
        name,
        gear,
        more,
        snmp: Snmp::V2c,
        ssh: None,
        interval_s: 30,
        flaps: None,
        dies: false,
        away: &[],
    }
}

impl Device {
    const fn with_ssh(self, platform: &'static str) -> Self {
        Self { ssh: Some(platform), ..self }
    }

    const fn with_v3(self) -> Self {
        Self { snmp: Snmp::V3, ..self }
    }

    const fn every_s(self, interval_s: u32) -> Self {
        Self { interval_s, ..self }
    }

    const fn with_flaps(self, place: u32) -> Self {
        Self { flaps: Some(place), ..self }
    }

    const fn that_dies(self) -> Self {
        Self { dies: true, ..self }
    }

    const fn away(self, away: &'static [Away]) -> Self {
        Self { away, ..self }
    }

    /// The address it has in its site's network.
    pub(crate) fn address(&self) -> String {
        format!("{NETWORK}.{}", self.host)
    }

    /// Whether it is there all the time.
    pub(crate) fn answers(&self) -> bool {
        !self.is_dead() && !self.dies
    }

    /// Whether it has never been there.
    pub(crate) fn is_dead(&self) -> bool {
        self.more.split(' ').any(|word| word == "dead")
    }

    /// The line that makes the simulator play it at `at`.
    pub(crate) fn line(&self, at: &Whereabouts, seed: u32, pace: &Pace) -> String {
        let (kind, interfaces) = self.gear;
        let name = self.name;
        let seed = seed * 256 + u32::from(self.host);
        let access = match self.snmp {
            Snmp::V2c => format!("community={COMMUNITY}"),
            Snmp::V3 => format!("user={}", SNMP_USER.join(":")),
        };
        let (port, every_s) = (at.ssh_port, pace.change_every_s);
        let ssh = self.ssh.map_or_else(String::new, |platform| {
            format!(" ssh={platform}:{port}:{SSH_USER}:{SSH_PASSWORD}:{every_s}")
        });
        let flaps = self.flaps.map(|place| format!(" flap={place}/{}", pace.flaps));
        let flaps = flaps.unwrap_or_default();
        let dies = if self.dies { format!(" dies={}", pace.dies) } else { String::new() };
        let (at, more) = (&at.at, self.more);
        let line = format!("at={at} name={name} kind={kind} interfaces={interfaces} seed={seed}");
        format!("{line} {access}{ssh}{flaps}{dies} {more}").trim_end().to_owned()
    }
}

/// Where a device is reached, as the collector is told, and where the simulator plays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    pub(crate) address: String,
    pub(crate) at: String,
    pub(crate) ssh_port: u16,
}

impl Whereabouts {
    /// In a network of the site's own.
    pub(crate) fn inside(device: &Device) -> Self {
        let address = device.address();
        Self { at: format!("{address}:{SNMP_PORT}"), address, ssh_port: SSH_PORT }
    }

    /// On this host, at a port of the device's own.
    pub(crate) fn on_loopback(at: SocketAddr) -> Self {
        Self { address: at.to_string(), at: at.to_string(), ssh_port: at.port() }
    }
}

/// The first of each site is its way out.
pub(crate) const TENANTS: [Tenant; 2] = [
    Tenant {
        name: "Alpine Fibre (demo)",
        sites: &[
            Site {
                name: "Depot Bern",
                key: "bern",
                seed: 1,
                link_is_cut: false,
                gap: None,
                devices: &BERN,
            },
            Site {
                name: "Summit Jungfrau",
                key: "jungfrau",
                seed: 2,
                link_is_cut: true,
                gap: None,
                devices: &JUNGFRAU,
            },
        ],
    },
    Tenant {
        name: "Borealis Net (demo)",
        sites: &[Site {
            name: "Harbour Tromsø",
            key: "tromso",
            seed: 3,
            link_is_cut: false,
            gap: Some((74 * 60, 71 * 60)),
            devices: &TROMSO,
        }],
    },
];

const BERN: [Device; 12] = [
    device(1, "gw-bern", ("linux", 6), "line=0.4/0.2/0"),
    device(2, "core-bern", ("mikrotik", 13), "busy=62").with_ssh("routeros").every_s(10),
    device(3, "edge-bern", ("edgeos", 5), "line=1.2/0.6/0"),
    device(4, "sw-bern-1", ("switch", 25), "").with_flaps(5).every_s(15),
    device(5, "sw-bern-2", ("switch", 25), "hot").every_s(15),
    device(6, "ups-bern", ("power", 1), "busy=1"),
    device(10, "tower-gurten", ("radio", 4), "busy=34").with_ssh("routeros"),
    device(11, "tower-bantiger", ("radio", 4), "busy=41 line=24/18/9"),
    device(20, "ap-gurten-north", ("ap", 3), "busy=18 line=9/5/0"),
    device(21, "ap-gurten-south", ("ap", 3), "busy=12 line=9/6/1"),
    device(22, "cpe-town-hall", ("radio", 3), "busy=8 line=12/7/0")
        .away(&[(50 * 60, 49 * 60), (580, 562)]),
    device(23, "cpe-old-mill", ("radio", 3), "dead"),
];

const JUNGFRAU: [Device; 8] = [
    device(1, "gw-jungfrau", ("edgeos", 4), "line=0.5/0.3/0"),
    device(2, "core-jungfrau", ("cisco", 8), "busy=55").with_ssh("ios"),
    device(3, "relay-moench", ("radio", 4), "busy=38 line=5/3/0")
        .that_dies()
        .away(&[(30 * 60, 29 * 60 + 20)]),
    device(4, "relay-eiger", ("radio", 4), "busy=29 line=6/4/2"),
    device(5, "sw-summit", ("switch", 13), "line=0.6/0.3/0"),
    device(6, "ups-summit", ("power", 1), "busy=1 line=0.6/0.3/0"),
    device(20, "ap-terrace", ("ap", 3), "busy=15 line=2/1/0"),
    device(21, "cpe-hut", ("radio", 3), "busy=6 line=16/9/3"),
];

const TROMSO: [Device; 10] = [
    device(1, "gw-tromso", ("linux", 5), "line=0.5/0.2/0"),
    device(2, "core-tromso", ("mikrotik", 9), "busy=58").with_ssh("routeros").every_s(15),
    device(3, "srx-harbour", ("juniper", 10), "line=0.9/0.4/0").with_v3(),
    device(4, "sw-quay", ("switch", 13), "line=0.8/0.3/0"),
    device(5, "branch-ferry", ("cisco", 6), "line=38/12/1"),
    device(6, "ups-harbour", ("power", 1), "busy=1 line=0.7/0.3/0"),
    device(10, "tower-fjord", ("edgeos", 5), "busy=33 line=11/6/0"),
    device(20, "ap-pier", ("ap", 3), "busy=14 line=4/2/0"),
    device(21, "cpe-lighthouse", ("radio", 3), "busy=5 line=19/9/2"),
    device(22, "cpe-fish-hall", ("radio", 3), "busy=9 line=13/6/0"),
];

pub(crate) fn sites() -> impl Iterator<Item = (&'static Tenant, &'static Site)> {
    const { &TENANTS }.iter().flat_map(|tenant| tenant.sites.iter().map(move |site| (tenant, site)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::PACE;
    use super::*;

    #[test]
    fn names_are_told_apart_and_addresses_are_shared_by_tenants_only() {
        let mut names = BTreeSet::new();
        for (_, site) in sites() {
            let hosts: BTreeSet<u8> = site.devices.iter().map(|device| device.host).collect();
            assert_eq!(hosts.len(), site.devices.len(), "{}", site.name);
            assert!(site.devices.iter().all(|device| names.insert(device.name)));
            // The way out is behind a line, so not an address of the host.
            assert!(site.devices[0].host == 1 && site.devices[0].ssh.is_none());
        }
        assert_eq!(names.len(), 30);
    }

    #[test]
    fn every_trouble_is_there() {
        let lines: Vec<String> = sites()
            .flat_map(|(_, site)| site.devices.iter())
            .map(|device| device.line(&Whereabouts::inside(device), 1, &PACE))
            .collect();
        for word in ["hot", "dead", "dies=", "flap=", "busy=", "user=", "ssh=ios", "ssh=routeros"] {
            assert!(lines.iter().any(|line| line.contains(&format!(" {word}"))), "{word}");
        }
        assert!(sites().any(|(_, site)| site.link_is_cut));
    }
}
