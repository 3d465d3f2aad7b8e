//! Core: which credentials are tried beside each other.
//!
//! A silent device takes its time over each, and somebody waits; but devices limit the rate of their
//! answers, and lock out users whose password is wrong again and again.

/// Credentials on the way at a time.
const AT_ONCE_MAX: usize = 4;
/// Of them users of SNMPv3; never the same one twice.
const USERS_AT_ONCE_MAX: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    UnderWay,
    Ended,
}

/// See the head of this file. Places are those of the candidates.
#[derive(Debug)]
pub(super) struct Turns<'a> {
    /// The user's name, of candidates that are users.
    users: Vec<Option<&'a [u8]>>,
    states: Vec<State>,
    /// The first that works, so far.
    works: usize,
}

impl<'a> Turns<'a> {
    pub(super) fn new(users: Vec<Option<&'a [u8]>>) -> Self {
        let states = vec![State::Waiting; users.len()];
        Self { users, states, works: usize::MAX }
    }

    /// The next one to be tried, if one may begin now.
    pub(super) fn next(&mut self) -> Option<usize> {
        let places = self.states.iter().zip(&self.users);
        let under_way = places.filter(|(state, _)| **state == State::UnderWay);
        let names: Vec<Option<&[u8]>> = under_way.map(|(_, user)| *user).collect();
        if names.len() >= AT_ONCE_MAX {
            return None;
        }
        let may_begin = |user: &Option<&[u8]>| {
            let users = names.iter().flatten().count();
            user.is_none() || (users < USERS_AT_ONCE_MAX && !names.contains(user))
        };
        let mut places = self.states.iter().zip(&self.users).take(self.works);
        let next = places.position(|(state, user)| *state == State::Waiting && may_begin(user))?;
        self.set(next, State::UnderWay);
        Some(next)
    }

    /// One was tried. Those after one that works do not count any more.
    pub(super) fn ended(&mut self, place: usize, works: bool) {
        self.set(place, State::Ended);
        if works {
            self.works = self.works.min(place);
        }
    }

    /// None is under way whose outcome counts.
    pub(super) fn is_over(&self) -> bool {
        !self.states.iter().take(self.works).any(|state| *state == State::UnderWay)
    }

    /// How many of the places have an outcome that counts: up to the first that works.
    pub(super) fn counting(&self) -> usize {
        self.works.saturating_add(1).min(self.states.len())
    }

    fn set(&mut self, place: usize, state: State) {
        if let Some(known) = self.states.get_mut(place) {
            *known = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(turns: &mut Turns<'_>) -> Vec<usize> {
        std::iter::from_fn(|| turns.next()).collect()
    }

    #[test]
    fn some_are_tried_at_a_time_in_their_order() {
        let mut turns = Turns::new(vec![None; 6]);
        assert_eq!(begin(&mut turns), [0, 1, 2, 3]);
        turns.ended(2, false);
        assert_eq!(begin(&mut turns), [4]);
        for place in [0, 1, 3, 4] {
            turns.ended(place, false);
        }
        assert_eq!(begin(&mut turns), [5]);
        assert!(!turns.is_over());
        turns.ended(5, false);
        assert!(turns.is_over());
        assert!(begin(&mut turns).is_empty());
        assert_eq!(turns.counting(), 6);
    }

    #[test]
    fn a_user_is_never_tried_twice_at_a_time_and_few_users_are() {
        let (ops, noc): (Option<&[u8]>, Option<&[u8]>) = (Some(b"ops"), Some(b"noc"));
        let mut turns = Turns::new(vec![ops, ops, noc, Some(b"third"), None, None]);
        // The second is the first's user, the fourth one too many: communities go first.
        assert_eq!(begin(&mut turns), [0, 2, 4, 5]);
        turns.ended(4, false);
        assert!(begin(&mut turns).is_empty());
        turns.ended(0, false);
        assert_eq!(begin(&mut turns), [1]);
        turns.ended(2, false);
        assert_eq!(begin(&mut turns), [3]);
    }

    #[test]
    fn one_that_works_ends_those_after_it_and_not_those_before() {
        let user: Option<&[u8]> = Some(b"ops");
        let mut turns = Turns::new(vec![user, user, None, None, None, None]);
        assert_eq!(begin(&mut turns), [0, 2, 3, 4]);
        turns.ended(3, true);
        turns.ended(0, false);
        assert_eq!(begin(&mut turns), [1], "it stands before the one that works");
        assert!(!turns.is_over());
        turns.ended(2, false);
        turns.ended(1, false);
        // The fifth is under way, but does not count.
        assert!(turns.is_over());
        assert_eq!(turns.counting(), 4);
        turns.ended(4, true);
        assert_eq!(turns.counting(), 4);
    }
}
