//! Core: what devices would be made of the hosts of a scan: a name for each, and which of them are one
//! router at several addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use farwatch_common::clock::Micros;

use super::Host;
use super::kind::kind;
use crate::inventory::device::own_name;
use crate::inventory::is_name;

/// Two readings of one sysUpTime differ by so much at most: it counts hundredths, the answers take their
/// time, and the agent's clock may be set in between.
const UP_SINCE_SLACK_US: i64 = 3_000_000;

/// What is proposed of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Nobody else's at the site.
    pub name: String,
    /// Vendor and model, in words.
    pub kind: Option<String>,
    /// The first address of the same device.
    pub duplicate_of: Option<Ipv4Addr>,
}

/// A proposal for each of the hosts, in their order. `there` are the names that devices of the site have.
#[must_use]
pub fn propose(hosts: &[Host], there: &BTreeSet<String>) -> Vec<Proposal> {
    let (mut taken, mut same) = (Taken { there, new: BTreeSet::new() }, Same::default());
    let proposals = hosts.iter().map(|host| Proposal {
        name: taken.free_name(host),
        kind: kind(host.sys_object_id.as_deref(), host.sys_descr.as_deref()),
        duplicate_of: same.first(host),
    });
    proposals.collect()
}

/// The hosts so far by what all addresses of a device have: name, model, and when it was started.
#[derive(Default)]
struct Same<'a>(BTreeMap<(&'a str, Option<&'a str>), BTreeMap<i64, Ipv4Addr>>);

impl<'a> Same<'a> {
    /// The first address of what is most likely the same device. One device has one name and was started
    /// once; another of its model, that kept the maker's name, was not started with it.
    fn first(&mut self, host: &'a Host) -> Option<Ipv4Addr> {
        let (name, Micros(at)) = (host.sys_name.as_deref()?, host.up_since?);
        let started = self.0.entry((name, host.sys_object_id.as_deref())).or_default();
        let near = at.saturating_sub(UP_SINCE_SLACK_US)..=at.saturating_add(UP_SINCE_SLACK_US);
        let first = started.range(near).map(|(_, address)| *address).min();
        started.entry(at).or_insert(first.unwrap_or(host.address));
        first
    }
}

/// Names of devices, and of those that are proposed.
struct Taken<'a> {
    there: &'a BTreeSet<String>,
    new: BTreeSet<String>,
}

impl Taken<'_> {
    fn free_name(&mut self, host: &Host) -> String {
        let address = host.address.to_string();
        let own = host.sys_name.as_deref().and_then(own_name);
        let apart = own.map(|own| format!("{own} ({address})")).filter(|both| is_name(both));
        let numbered = (2u64..).map(|number| format!("{address} ({number})"));
        let mut names = own.map(str::to_owned).into_iter().chain(apart);
        let is_free = |name: &String| !self.there.contains(name) && !self.new.contains(name);
        let name = names.find(is_free).or_else(|| {
            let mut addresses = std::iter::once(address.clone()).chain(numbered);
            addresses.find(is_free)
        });
        let name = name.unwrap_or(address);
        self.new.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8, name: &str, up_since_s: i64) -> Host {
        Host {
            sys_name: (!name.is_empty()).then(|| name.to_owned()),
            sys_object_id: Some("1.3.6.1.4.1.14988.1".to_owned()),
            up_since: Some(Micros(up_since_s * Micros::SECOND)),
            ..Host::at(Ipv4Addr::new(10, 0, 0, last))
        }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_are_nobody_elses() {
        let hosts = [
            host(1, "core", 100),
            host(2, "core", 5_000),
            host(3, "", 0),
            host(4, " edge ", 0),
            host(5, "bad\u{7}name", 0),
            host(6, &"x".repeat(95), 0),
            host(7, &"x".repeat(95), 9_000),
        ];
        let proposals = propose(&hosts, &names(&["edge", "10.0.0.7"]));
        let names: Vec<_> = proposals.iter().map(|one| &one.name[..]).collect();
        let long = "x".repeat(95);
        assert_eq!(
            names,
            [
                "core",
                "core (10.0.0.2)",
                "10.0.0.3",
                "edge (10.0.0.4)",
                "10.0.0.5",
                &long,
                "10.0.0.7 (2)"
            ]
        );
        assert!(proposals.iter().all(|one| one.kind.as_deref() == Some("MikroTik")));
    }

    #[test]
    fn a_router_at_several_addresses_is_proposed_once() {
        let hosts = [
            host(1, "core", 100),
            host(2, "core", 102),
            host(3, "core", 500),
            host(4, "edge", 100),
            Host { sys_object_id: None, ..host(5, "core", 100) },
            host(6, "", 100),
            host(7, "", 100),
            Host { up_since: None, ..host(8, "core", 100) },
            // Near to the second reading only.
            host(9, "core", 104),
        ];
        let proposals = propose(&hosts, &names(&[]));
        let same: Vec<_> = proposals.iter().map(|one| one.duplicate_of).collect();
        let first = Some(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(same, [None, first, None, None, None, None, None, None, first]);
    }
}
