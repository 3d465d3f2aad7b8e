//! Core: at which of its addresses a device with a name is asked.
//!
//! A name may have addresses of both families, of which some lead nowhere. They are kept in the order
//! of the system's resolver (RFC 6724 §6). The one in use stays as long as it answers; after a silence
//! the next one is used, after the last the first again.
//!
//! What was found counts for the name and port it was found of: a device that is given another host is
//! not asked at the addresses of the one before, nor at those of a lookup that comes late.

use std::collections::HashMap;
use std::net::SocketAddr;

use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;

use super::Target;

/// Addresses of one name that are used; more are left out.
pub(super) const ADDRESSES_PER_NAME_MAX: usize = 8;
/// Silences in a row after which an address that has answered before is left: one may be a lost packet.
const SILENCES_BORNE: u8 = 2;

/// A host that has to be looked up, and the port there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Name {
    /// `None` of a target whose host is an address.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let is_name = target.literal().is_none();
        is_name.then(|| Self { host: target.host.clone(), port: target.port })
    }
}

/// Where the name of a device has led.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) device: DeviceId,
    pub(super) name: Name,
    /// In the resolver's order.
    pub(super) addresses: Vec<SocketAddr>,
}

/// Of the devices with names. Bounded by their number.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<DeviceId, Place>);

#[derive(Debug)]
struct Place {
    name: Name,
    /// Empty before the name was found; the first is in use.
    addresses: Vec<SocketAddr>,
    has_answered: bool,
    silences: u8,
}

impl Names {
    /// A name was looked up: where the device is now. `None` if there is no address, or if this is not
    /// the name of the device any more.
    pub(super) fn found(&mut self, resolved: Resolved) -> Option<SocketAddr> {
        let Resolved { device, name, mut addresses } = resolved;
        let known = self.0.get_mut(&device).filter(|known| known.name == name)?;
        if addresses.is_empty() {
            return None;
        }
        let used = known.addresses.first();
        match addresses.iter().position(|address| Some(address) == used) {
            Some(place) => addresses.rotate_left(place),
            None => (known.has_answered, known.silences) = (false, 0),
        }
        known.addresses = addresses;
        known.addresses.first().copied()
    }

    /// The device was asked, and answered or not. Where it is to be asked from now on, if that changes.
    pub(super) fn asked(&mut self, device: DeviceId, answered: bool) -> Option<SocketAddr> {
        let place = self.0.get_mut(&device)?;
        if answered {
            (place.has_answered, place.silences) = (true, 0);
            return None;
        }
        place.silences = place.silences.saturating_add(1);
        let is_borne = place.has_answered && place.silences < SILENCES_BORNE;
        if is_borne || place.addresses.len() < 2 {
            return None;
        }
        place.addresses.rotate_left(1);
        (place.has_answered, place.silences) = (false, 0);
        place.addresses.first().copied()
    }

    /// All addresses of a device, the one in use first; none if it has no name.
    pub(super) fn all(&self, device: DeviceId) -> &[SocketAddr] {
        self.0.get(&device).map_or(&[], |place| &place.addresses)
    }

    /// Where the devices with a known address are asked.
    pub(super) fn used(&self) -> impl Iterator<Item = (DeviceId, SocketAddr)> {
        self.0.iter().filter_map(|(device, place)| Some((*device, *place.addresses.first()?)))
    }

    /// Takes the names of `targets`, and forgets the addresses of every other.
    pub(super) fn keep(&mut self, targets: &[Target]) {
        let mut known = std::mem::take(&mut self.0);
        let places = targets.iter().filter_map(|target| {
            let name = Name::of(target)?;
            let place = known.remove(&target.device).filter(|place| place.name == name);
            let new = Place { name, addresses: Vec::new(), has_answered: false, silences: 0 };
            Some((target.device, place.unwrap_or(new)))
        });
        self.0 = places.collect();
    }
}

/// The addresses of a lookup, each once and as many as are used.
pub(super) fn bounded(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for mut address in found {
        // An IPv4 address in IPv6 is asked over IPv4, by echo requests too.
        address.set_ip(address.ip().to_canonical());
        // The resolver may tell one for each kind of socket.
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        if addresses.len() == ADDRESSES_PER_NAME_MAX {
            break;
        }
    }
    addresses
}

/// Why a host that was looked up has no address: there is no such interface, or no such name.
pub(super) fn nowhere(host: &str) -> Cause {
    match host.split_once('%') {
        Some(_) => Cause::NoInterface,
        None => Cause::Unresolved,
    }
}

/// Whether this is what is seen of an address at which nobody answers, so that another address of the
/// name may be worth a question.
pub(super) fn is_silence(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::Timeout
            | Cause::Unreachable
            | Cause::OtherSource
            | Cause::Unresolved
            | Cause::NoInterface
    )
}

/// An address for people, as they gave it: with the zone of the host it was found of, `fe80::1%eth0`.
pub(super) fn shown(address: SocketAddr, host: &str) -> String {
    match (address, host.split_once('%')) {
        (SocketAddr::V6(v6), Some((_, zone))) if v6.scope_id() != 0 => {
            format!("{}%{zone}", v6.ip())
        }
        _ => textual(address),
    }
}

/// An address for people, with its zone as a number (RFC 4007 §11.2).
pub(super) fn textual(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::poll::{Access, Manner};

    const DEVICE: DeviceId = DeviceId(1);

    fn at(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 161).into()
    }

    fn target(host: &str, port: u16) -> Target {
        Target {
            device: DEVICE,
            host: host.to_owned(),
            port,
            interval: Duration::from_secs(60),
            access: Access::Nothing,
            manner: Manner::default(),
        }
    }

    fn found(host: &str, lasts: &[u8]) -> Resolved {
        let name = Name { host: host.to_owned(), port: 161 };
        let addresses = lasts.iter().copied().map(at).collect();
        Resolved { device: DEVICE, name, addresses }
    }

    fn names(lasts: &[u8]) -> Names {
        let mut names = Names::default();
        names.keep(&[target("router.example", 161)]);
        let first = lasts.first().copied().map(at);
        assert_eq!(names.found(found("router.example", lasts)), first);
        names
    }

    #[test]
    fn a_device_that_gets_another_host_is_nowhere_until_that_is_found() {
        for other in [target("other.example", 161), target("router.example", 1161)] {
            let mut names = names(&[1, 2]);
            names.keep(&[other]);
            assert!(names.all(DEVICE).is_empty());
            assert_eq!(names.asked(DEVICE, false), None);
            assert_eq!(names.found(found("router.example", &[1, 2])), None, "it comes late");
            assert_eq!(names.used().count(), 0);
        }
        let mut names = names(&[1, 2]);
        names.keep(&[target("other.example", 161)]);
        assert_eq!(names.found(found("other.example", &[3])), Some(at(3)));
        assert_eq!(names.all(DEVICE), [at(3)]);
    }

    #[test]
    fn a_device_that_gets_an_address_for_its_name_is_never_told_of_another() {
        let mut names = names(&[1, 2]);
        names.keep(&[target("10.0.0.9", 161)]);
        for _ in 0..4 {
            assert_eq!(names.asked(DEVICE, false), None);
        }
        assert_eq!(names.found(found("router.example", &[1, 2])), None);
        assert!(names.all(DEVICE).is_empty());
    }

    #[test]
    fn a_device_that_keeps_its_host_keeps_its_address() {
        let mut names = names(&[1, 2]);
        assert_eq!(names.asked(DEVICE, false), Some(at(2)));
        let often = Target { interval: Duration::from_secs(10), ..target("router.example", 161) };
        names.keep(&[often]);
        assert_eq!(names.used().collect::<Vec<_>>(), [(DEVICE, at(2))]);
    }

    #[test]
    fn a_silent_address_is_left_and_one_that_answers_stays() {
        let mut names = names(&[1, 2, 3]);
        assert_eq!(names.asked(DEVICE, false), Some(at(2)));
        assert_eq!(names.asked(DEVICE, false), Some(at(3)));
        for _ in 0..5 {
            assert_eq!(names.asked(DEVICE, true), None);
            assert_eq!(names.asked(DEVICE, false), None, "one silence is borne");
        }
        assert_eq!(names.asked(DEVICE, false), Some(at(1)));
        assert_eq!(names.all(DEVICE), [at(1), at(2), at(3)]);
    }

    #[test]
    fn another_lookup_leaves_the_address_that_is_used() {
        let mut names = names(&[1, 2]);
        assert_eq!(names.asked(DEVICE, false), Some(at(2)));
        assert_eq!(names.found(found("router.example", &[1, 2, 3])), Some(at(2)));
        assert_eq!(names.all(DEVICE), [at(2), at(3), at(1)]);
        // Gear that has moved is where its name says.
        assert_eq!(names.found(found("router.example", &[7, 8])), Some(at(7)));
        assert_eq!(names.found(found("router.example", &[])), None);
        assert_eq!(names.all(DEVICE), [at(7), at(8)]);
    }

    #[test]
    fn one_address_is_all_there_is() {
        let mut names = names(&[1]);
        assert_eq!((names.asked(DEVICE, false), names.asked(DEVICE, false)), (None, None));
        assert_eq!(names.asked(DeviceId(2), false), None);
        names.keep(&[]);
        assert!(names.all(DEVICE).is_empty());
    }

    #[test]
    fn a_lookup_is_bounded() {
        let found = [1, 1, 2].into_iter().chain(0..100).map(at);
        let lasts = [1, 2, 0, 3, 4, 5, 6, 7].map(at);
        assert_eq!(bounded(found), lasts);
    }

    #[test]
    fn a_zone_is_shown() {
        let shown = |text: &str| textual(text.parse().unwrap());
        assert_eq!(shown("[fe80::1%3]:161"), "fe80::1%3");
        assert_eq!(shown("[2001:db8::1]:161"), "2001:db8::1");
        assert_eq!(shown("192.0.2.1:161"), "192.0.2.1");
        let shown = |text: &str, host: &str| super::shown(text.parse().unwrap(), host);
        assert_eq!(shown("[fe80::1%3]:161", "fe80::1%eth0"), "fe80::1%eth0");
        assert_eq!(shown("[fe80::1%3]:161", "router.example"), "fe80::1%3");
        assert_eq!(shown("192.0.2.1:161", "router.example"), "192.0.2.1");
    }

    #[test]
    fn a_host_without_an_address_has_no_name_or_no_interface() {
        assert_eq!(nowhere("router.example"), Cause::Unresolved);
        assert_eq!(nowhere("fe80::1%eth99"), Cause::NoInterface);
    }
}
