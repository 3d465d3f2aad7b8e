//! Core: whether the agent lives, by what it told last and what the system says.

use std::time::Duration;

use serde::Serialize;

use crate::platform::ProcessState;

/// It tells each 5 s: after this it does not respond, or a disk takes nothing.
pub(super) const STALE: Duration = Duration::from_secs(20);

/// How the agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// It was stopped in order, or was never there.
    NotRunning,
    /// It, or another command that has the state directory, has told nothing yet.
    Starting,
    Running,
    /// A signal has stopped it, as far as its process goes.
    Stopped,
    /// It lives and has told nothing for long.
    NotResponding,
    /// It is gone and has said nothing: it was killed, or the host lost power.
    Ended,
}

impl Process {
    /// `is_held`: whether a process has the state directory, where that can be told. `told`: how long ago it told
    /// something that it takes back when it stops in order, and what the system says of the process that did.
    #[must_use]
    pub(super) fn judge(
        is_held: Option<bool>,
        told: Option<(Duration, Option<ProcessState>)>,
    ) -> Self {
        match (is_held, told) {
            (Some(false) | None, None) => Self::NotRunning,
            (Some(true), None) => Self::Starting,
            (Some(false), Some(_)) => Self::Ended,
            // Who has the directory is another process, which has told nothing yet.
            (Some(true), Some((_, Some(ProcessState::Gone)))) => Self::Starting,
            (None, Some((_, Some(ProcessState::Gone)))) => Self::Ended,
            (_, Some((_, Some(ProcessState::Stopped)))) => Self::Stopped,
            (_, Some((age, _))) if age < STALE => Self::Running,
            (Some(true), Some(_)) => Self::NotResponding,
            (None, Some(_)) => Self::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_directory_lives_and_who_took_nothing_back_was_ended() {
        use ProcessState::{Alive, Gone, Stopped};
        let told = |seconds, state| Some((Duration::from_secs(seconds), state));
        for (is_held, told, expected) in [
            (Some(false), None, Process::NotRunning),
            (None, None, Process::NotRunning),
            (Some(true), None, Process::Starting),
            (Some(true), told(3, Some(Alive)), Process::Running),
            (Some(true), told(19, None), Process::Running),
            (Some(true), told(20, Some(Alive)), Process::NotResponding),
            (Some(true), told(3, Some(Stopped)), Process::Stopped),
            // A number that another process has by now says nothing.
            (Some(false), told(3, Some(Alive)), Process::Ended),
            (Some(false), told(3, Some(Stopped)), Process::Ended),
            (Some(true), told(3, Some(Gone)), Process::Starting),
            (None, told(3, Some(Alive)), Process::Running),
            (None, told(3, Some(Gone)), Process::Ended),
            (None, told(20, None), Process::Ended),
        ] {
            assert_eq!(Process::judge(is_held, told), expected, "{is_held:?} {told:?}");
        }
    }
}
