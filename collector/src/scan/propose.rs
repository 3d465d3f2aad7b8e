//! Core: what devices would be made of the hosts of a scan: a name for each, and which of them are one
//! router at several addresses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use farwatch_common::clock::Micros;

use super::Host;
use super::kind::kind;
use crate::inventory::device::own_name;
use crate::inventory::is_name;

/// Two readings of one sysUpTime differ by so much at most: it counts hundredths, the answers take their
/// time, and the agent's clock may be set in between.
const UP_SINCE_SLACK_US: u64 = 3_000_000;

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

/// A proposal for each of the hosts, in their order. `taken` are the names that devices of the site have.
#[must_use]
pub fn propose(hosts: &[Host], mut taken: BTreeSet<String>) -> Vec<Proposal> {
    let mut proposals = Vec::with_capacity(hosts.len());
    for (at, host) in hosts.iter().enumerate() {
        let before = hosts.get(..at).unwrap_or_default();
        let same = before.iter().find(|known| is_same(known, host));
        let name = free_name(host, &taken);
        taken.insert(name.clone());
        let kind = kind(host.sys_object_id.as_deref(), host.sys_descr.as_deref());
        proposals.push(Proposal { name, kind, duplicate_of: same.map(|known| known.address) });
    }
    proposals
}

/// One device has one name and was started once; another of its model, that kept the maker's name, was
/// not started with it.
fn is_same(one: &Host, other: &Host) -> bool {
    let up_since = |host: &Host| host.up_since.map(|Micros(at)| at);
    let started_together = match (up_since(one), up_since(other)) {
        (Some(one), Some(other)) => one.abs_diff(other) <= UP_SINCE_SLACK_US,
        _ => false,
    };
    one.sys_name.is_some()
        && one.sys_name == other.sys_name
        && one.sys_object_id == other.sys_object_id
        && started_together
}

fn free_name(host: &Host, taken: &BTreeSet<String>) -> String {
    let address = host.address.to_string();
    let Some(own) = host.sys_name.as_deref().and_then(own_name) else { return address };
    if !taken.contains(own) {
        return own.to_owned();
    }
    let both = format!("{own} ({address})");
    if is_name(&both) && !taken.contains(&both) { both } else { address }
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
        let proposals = propose(&hosts, BTreeSet::from(["edge".to_owned()]));
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
                "10.0.0.7"
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
        ];
        let proposals = propose(&hosts, BTreeSet::new());
        let same: Vec<_> = proposals.iter().map(|one| one.duplicate_of).collect();
        let first = Some(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(same, [None, first, None, None, None, None, None, None]);
    }
}
