//! At which hosts a user of SNMPv3 is tried.
//!
//! Devices lock users out: a user is tried at one host at a time, at each once, also where two candidates
//! have its name; at a device that has refused it, by whichever of its addresses, not again; and
//! one that [`REFUSED_MAX`] devices in a row have refused no more. Of two candidates with one name the
//! second has its turn when the first is given up.

use std::collections::BTreeSet;

use farwatch_common::sample::Cause;
use farwatch_common::scan::{REFUSED_MAX, REFUSER_BYTES_MAX, REFUSERS_MAX};
use farwatch_proto::v1 as proto;
use tokio::sync::{Mutex, MutexGuard};

use crate::poll::names::is_silence;

/// The candidates of one name.
#[derive(Debug)]
pub(super) struct User(Mutex<Tries>);

#[derive(Debug)]
pub(super) struct Tries {
    /// In the order of preference.
    candidates: Vec<Tried>,
    /// Devices that have refused the name.
    refusers: BTreeSet<Vec<u8>>,
}

#[derive(Debug)]
struct Tried {
    candidate: proto::CredentialCandidate,
    /// By how many devices in a row.
    refused: u32,
    /// By which, in this call.
    by: Vec<Vec<u8>>,
}

/// Whether a user is tried at a device.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    /// By this candidate, at this place.
    Try(usize, proto::CredentialCandidate),
    /// By none: it was refused there, or too often.
    Refused,
}

impl User {
    /// Those of all candidates that are users. The error is which limit they break.
    pub(super) fn all(candidates: Vec<proto::ScanCandidate>) -> Result<Vec<Self>, &'static str> {
        let mut names: Vec<(Vec<u8>, Tries)> = Vec::new();
        for proto::ScanCandidate { credential, refused, refused_by } in candidates {
            let Some(candidate) = credential else { continue };
            if refused_by.len() > REFUSERS_MAX
                || refused_by.iter().any(|device| device.len() > REFUSER_BYTES_MAX)
            {
                return Err("there are too many devices that have refused a user");
            }
            let name = candidate.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
            let tried = Tried { candidate, refused, by: Vec::new() };
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, tries)) => {
                    tries.candidates.push(tried);
                    tries.refusers.extend(refused_by);
                }
                None => {
                    let refusers = refused_by.into_iter().collect();
                    names.push((name, Tries { candidates: vec![tried], refusers }));
                }
            }
        }
        Ok(names.into_iter().map(|(_, tries)| Self(Mutex::new(tries))).collect())
    }

    /// Waits until it is tried nowhere else.
    pub(super) async fn tries(&self) -> MutexGuard<'_, Tries> {
        self.0.lock().await
    }

    /// What became of it, for each candidate.
    pub(super) fn refused(self) -> impl Iterator<Item = proto::UserRefused> {
        let told =
            |Tried { candidate, refused, by }| proto::UserRefused { id: candidate.id, refused, by };
        self.0.into_inner().candidates.into_iter().map(told)
    }
}

impl Tries {
    pub(super) fn next(&self, device: &[u8]) -> Turn {
        if self.refusers.contains(device) || self.refusers.len() >= REFUSERS_MAX {
            return Turn::Refused;
        }
        let next = self.candidates.iter().position(|one| one.refused < REFUSED_MAX);
        match next.and_then(|at| Some((at, self.candidates.get(at)?))) {
            Some((at, one)) => Turn::Try(at, one.candidate.clone()),
            None => Turn::Refused,
        }
    }

    /// The candidate was tried at a device: what came of it.
    pub(super) fn took(&mut self, at: usize, device: &[u8], cause: u32) {
        let Some(tried) = self.candidates.get_mut(at) else { return };
        match cause {
            0 => tried.refused = 0,
            cause if is_refusal(cause) => {
                tried.refused = tried.refused.saturating_add(1);
                tried.by.push(device.to_vec());
                self.refusers.insert(device.to_vec());
            }
            // A silence says nothing.
            _ => {}
        }
    }
}

/// Whether this is a cause that a device has told.
pub(super) fn is_refusal(cause: u32) -> bool {
    let cause = Cause::from_wire(cause);
    cause.is_some_and(|cause| !is_silence(cause) && cause != Cause::NoCredential)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: u32 = Cause::WrongAuth as u32;

    fn candidate(id: i64, name: &str, refused: u32) -> proto::ScanCandidate {
        let user = proto::SnmpUser { name: name.into(), ..proto::SnmpUser::default() };
        let credential = proto::CredentialCandidate { id, community: None, user: Some(user) };
        proto::ScanCandidate { credential: Some(credential), refused, refused_by: Vec::new() }
    }

    fn tries(candidates: Vec<proto::ScanCandidate>) -> Tries {
        let mut users = User::all(candidates).unwrap();
        assert_eq!(users.len(), 1);
        users.remove(0).0.into_inner()
    }

    /// The candidate that is tried at a device, with what comes of it.
    fn at(tries: &mut Tries, device: &[u8], cause: u32) -> Option<i64> {
        match tries.next(device) {
            Turn::Try(at, candidate) => {
                tries.took(at, device, cause);
                Some(candidate.id)
            }
            Turn::Refused => None,
        }
    }

    #[test]
    fn a_user_that_is_refused_again_and_again_is_given_up() {
        let after = |causes: &[u32]| {
            let mut tries = tries(vec![candidate(1, "ops", 0)]);
            for (device, cause) in (0..).zip(causes) {
                at(&mut tries, &[device], *cause);
            }
            tries.candidates[0].refused
        };
        let silent = Cause::Timeout as u32;
        assert_eq!(after(&[WRONG, WRONG, WRONG, WRONG]), REFUSED_MAX);
        assert_eq!(after(&[WRONG, Cause::UnknownUser as u32, silent]), 2, "a silence says nothing");
        assert_eq!(after(&[WRONG, WRONG, 0, WRONG]), 1, "in a row");
        assert_eq!(after(&[Cause::NoCredential as u32]), 0, "nothing was sent");
    }

    #[test]
    fn a_device_refuses_a_name_once_also_where_it_works_in_between() {
        let mut tries = tries(vec![candidate(1, "ops", 0), candidate(2, "ops", 0)]);
        assert_eq!(at(&mut tries, b"router", WRONG), Some(1));
        for _ in 0..9 {
            assert_eq!(at(&mut tries, b"switch", 0), Some(1));
            assert_eq!(at(&mut tries, b"router", WRONG), None);
        }
        let told: Vec<_> = User(Mutex::new(tries)).refused().collect();
        assert_eq!((told[0].refused, &told[0].by), (0, &vec![b"router".to_vec()]));
        assert!(told[1].by.is_empty());
    }

    #[test]
    fn what_was_refused_in_the_call_before_is_not_tried_again() {
        let before = vec![b"router".to_vec()];
        let known = proto::ScanCandidate { refused_by: before, ..candidate(1, "ops", 0) };
        // The second takes over from the first, and not at a device that knows the name.
        let mut tries = tries(vec![known, candidate(2, "ops", 2)]);
        assert_eq!(at(&mut tries, b"router", WRONG), None);
        for device in [b"a", b"b", b"c"] {
            assert_eq!(at(&mut tries, device, WRONG), Some(1));
        }
        assert_eq!(at(&mut tries, b"d", WRONG), Some(2));
        assert_eq!(at(&mut tries, b"e", WRONG), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let many: Vec<_> = (0..=REFUSERS_MAX).map(|at| at.to_be_bytes().to_vec()).collect();
        let with = |refused_by: &[Vec<u8>]| {
            let refused_by = refused_by.to_vec();
            vec![proto::ScanCandidate { refused_by, ..candidate(1, "ops", 0) }]
        };
        assert!(User::all(with(&many)).is_err());
        assert!(User::all(with(&[vec![0; REFUSER_BYTES_MAX + 1]])).is_err());
        let mut full = tries(with(&many[1..]));
        assert_eq!(at(&mut full, b"new", 0), None, "it is given up");
        assert_eq!(at(&mut tries(with(&many[2..])), b"new", 0), Some(1));
    }
}
