//! The configuration of a simulated device, as a function of time: somebody is at work on it.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_common::clock::{Clock, Micros};

use crate::sim::pulse::mix;
use crate::ssh::{Asks, Device, Server, switch};

/// Kinds of changes that take turns.
const EDITS: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    RouterOs,
    Ios,
}

/// A command line behind SSH.
#[derive(Clone, Debug)]
pub struct Console {
    platform: Platform,
    pub port: u16,
    user: String,
    password: String,
    /// How often its configuration changes.
    every_s: u32,
}

impl FromStr for Console {
    type Err = anyhow::Error;

    /// `PLATFORM:PORT:USER:PASSWORD:CHANGES_EVERY_S`
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let [platform, port, user, password, every_s] = text.split(':').collect::<Vec<_>>()[..]
        else {
            anyhow::bail!("five parts are wanted");
        };
        let platform = match platform {
            "routeros" => Platform::RouterOs,
            "ios" => Platform::Ios,
            _ => anyhow::bail!("no console is a {platform:?}"),
        };
        let (port, every_s) = (port.parse().context("port")?, every_s.parse().context("seconds")?);
        ensure!(every_s > 0, "a change takes time");
        Ok(Self { platform, port, user: user.into(), password: password.into(), every_s })
    }
}

impl Console {
    /// Which revision it has by now, and the time until the next.
    fn revision(&self, now: Micros) -> (u64, Duration) {
        let every_us = i64::from(self.every_s) * Micros::SECOND;
        let left_us = every_us - now.0.rem_euclid(every_us);
        let revision = u64::try_from(now.0 / every_us).unwrap_or(0);
        (revision, Duration::from_micros(left_us.unsigned_abs()))
    }

    /// As it answers now.
    #[must_use]
    pub fn device(&self, name: &str) -> Device {
        let (revision, _) = self.revision(Clock::system().now());
        let login = (self.user.clone().into(), self.password.clone().into());
        let seed = name.bytes().fold(0, u8::wrapping_add);
        let known = match self.platform {
            Platform::RouterOs => Device {
                prompt: "[admin@MikroTik] > ",
                refusal: "bad command name (line 1 column 1)",
                answers: vec![
                    ("/system resource print", RESOURCE.to_owned()),
                    ("/export show-sensitive", routeros(name, revision)),
                ],
                ..switch(Asks::Password, "")
            },
            Platform::Ios => Device {
                prompt: "router#",
                answers: vec![
                    ("terminal length 0", String::new()),
                    ("terminal width 0", String::new()),
                    ("show version", IOS_VERSION.to_owned()),
                    ("show running-config", ios(name, revision)),
                ],
                ..switch(Asks::Password, "")
            },
        };
        Device { login, seed, ..known }
    }

    /// Changes what the server answers at each revision.
    pub(super) async fn keep_changing(self, name: String, server: Server) {
        let clock = Clock::system();
        loop {
            let (_, left) = self.revision(clock.now());
            tokio::time::sleep(left).await;
            server.answer_as(self.device(&name));
        }
    }
}

const RESOURCE: &str = "                   uptime: 3w2d5h\n                  version: 7.16.2 (stable)\n             total-memory: 4096.0MiB\n                      cpu: ARM64\n                cpu-count: 4\n        architecture-name: arm64\n               board-name: CCR2004-1G-12S+2XS\n                 platform: MikroTik\n";
const IOS_VERSION: &str = "Cisco IOS XE Software, Version 17.09.04a\nCisco IOS Software [Cupertino], ISR Software (ARMV8EL_LINUX_IOSD-UNIVERSALK9_IOS-M), Version 17.9.4a, RELEASE SOFTWARE (fc3)\nProcessor board ID SIM00000001\nConfiguration register is 0x2102\n";

/// How often an edit of this kind was made by this revision.
fn edits(revision: u64, kind: u64) -> u64 {
    (revision + EDITS - 1 - kind) / EDITS
}

/// `/export show-sensitive`
fn routeros(name: &str, revision: u64) -> String {
    // The newest of them stands last, the oldest goes.
    let newest = edits(revision, 0);
    let blocked: String = (newest..newest + 4)
        .map(|at| format!("add address=198.51.100.{} list=blocked\n", mix(at) % 250 + 1))
        .collect();
    let customer = mix(edits(revision, 1)) % 900 + 100;
    let server = edits(revision, 2) % 3 + 1;
    format!(
        "# 2026-01-01 00:00:00 by RouterOS 7.16.2\n\
         # model = CCR2004-1G-12S+2XS\n\
         /interface bridge\n\
         add name=bridge-customers protocol-mode=rstp\n\
         /interface ethernet\n\
         set [ find default-name=sfp-sfpplus1 ] comment=\"customer {customer}\"\n\
         /snmp community\n\
         set [ find default=yes ] addresses=192.168.88.0/24 name=public\n\
         /ip address\n\
         add address=192.168.88.1/24 interface=bridge-customers network=192.168.88.0\n\
         /ip firewall address-list\n\
         {blocked}\
         /ip firewall filter\n\
         add action=accept chain=input connection-state=established,related\n\
         add action=drop chain=input src-address-list=blocked\n\
         add action=drop chain=input in-interface=sfp-sfpplus1\n\
         /system identity\n\
         set name={name}\n\
         /system ntp client\n\
         set enabled=yes\n\
         /system ntp client servers\n\
         add address={server}.pool.ntp.org\n"
    )
}

/// `show running-config`
fn ios(name: &str, revision: u64) -> String {
    let vlan = mix(edits(revision, 0)) % 900 + 100;
    let customer = mix(edits(revision, 1)) % 900 + 100;
    let server = edits(revision, 2) % 3 + 1;
    format!(
        "Building configuration...\n\
         !\n\
         version 17.9\n\
         service timestamps log datetime msec\n\
         hostname {name}\n\
         !\n\
         enable secret 9 $9$demo.only.never.used\n\
         !\n\
         interface GigabitEthernet0/0/0\n \
         description customer {customer}\n \
         ip address 192.0.2.2 255.255.255.252\n\
         !\n\
         interface GigabitEthernet0/0/1\n \
         switchport access vlan {vlan}\n\
         !\n\
         ntp server {server}.pool.ntp.org\n\
         snmp-server community public RO\n\
         !\n\
         end\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_revision_differs_from_the_one_before_in_a_few_lines() {
        for text in [routeros, ios] {
            for revision in 0..40 {
                let (before, after) = (text("r", revision), text("r", revision + 1));
                let lines = before.lines().zip(after.lines());
                let changed = lines.filter(|(before, after)| before != after).count();
                assert!((1..=4).contains(&changed), "{revision}: {changed}\n{after}");
            }
        }
    }

    #[test]
    fn a_console_is_read_or_refused() {
        let console: Console = "ios:22:noc:secret:240".parse().unwrap();
        assert_eq!((console.platform, console.every_s), (Platform::Ios, 240));
        let (revision, left) = console.revision(Micros(241 * Micros::SECOND));
        assert_eq!((revision, left), (1, Duration::from_secs(239)));
        for bad in ["ios:22", "eos:22:a:b:1", "ios:x:a:b:1", "ios:22:a:b:0"] {
            assert!(bad.parse::<Console>().is_err(), "{bad}");
        }
    }
}
