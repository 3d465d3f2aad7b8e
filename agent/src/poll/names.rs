//! Core: at which of its addresses a device with a name is asked.
//!
//! A name may have addresses of both families, of which some lead nowhere. They are kept in the order
//! of the system's resolver (RFC 6724 §6). The one in use stays as long as it answers; after a silence
//! the next one is used, after the last the first again.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use farwatch_common::id::DeviceId;

use super::Target;

/// Addresses of one name that are used; more are left out.
pub(super) const ADDRESSES_PER_NAME_MAX: usize = 8;
/// Silences in a row after which an address that has answered before is left: one may be a lost packet.
const SILENCES_BORNE: u8 = 2;

/// Of the devices with names. Bounded by their number.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<DeviceId, Place>);

#[derive(Debug)]
struct Place {
    /// Never empty; the first is in use.
    addresses: Vec<SocketAddr>,
    has_answered: bool,
    silences: u8,
}

impl Names {
    /// A name was looked up: where the device is now. `None` if there is no address.
    pub(super) fn found(
        &mut self,
        device: DeviceId,
        mut addresses: Vec<SocketAddr>,
    ) -> Option<SocketAddr> {
        let first = *addresses.first()?;
        let Some(known) = self.0.get_mut(&device) else {
            self.0.insert(device, Place { addresses, has_answered: false, silences: 0 });
            return Some(first);
        };
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

    /// Forgets the devices that are gone.
    pub(super) fn keep(&mut self, targets: &[Target]) {
        let kept: HashSet<DeviceId> = targets.iter().map(|target| target.device).collect();
        self.0.retain(|device, _| kept.contains(device));
    }
}

/// The addresses of a lookup, each once and as many as are used.
pub(super) fn bounded(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for address in found {
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

/// An address for people, with its zone as a number (RFC 4007 §11.2).
pub(super) fn textual(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId(1);

    fn at(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 161).into()
    }

    fn names(lasts: &[u8]) -> Names {
        let mut names = Names::default();
        let all: Vec<SocketAddr> = lasts.iter().copied().map(at).collect();
        assert_eq!(names.found(DEVICE, all.clone()), all.first().copied());
        names
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
        assert_eq!(names.found(DEVICE, vec![at(1), at(2), at(3)]), Some(at(2)));
        assert_eq!(names.all(DEVICE), [at(2), at(3), at(1)]);
        // Gear that has moved is where its name says.
        assert_eq!(names.found(DEVICE, vec![at(7), at(8)]), Some(at(7)));
        assert_eq!(names.found(DEVICE, Vec::new()), None);
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
    }
}
