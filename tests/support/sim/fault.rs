//! How a simulated router misbehaves.

use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Never answers.
    Silent,
    /// Cuts every answer in half.
    Truncated,
    /// Sends tens of thousands of bytes, whatever was asked for.
    Oversized,
    /// Its tables never end.
    Endless,
    /// Repeats the row that was asked from, for ever.
    Stuck,
    /// Sends the rows of a GETBULK in falling order.
    Decreasing,
    /// Answers with another request id.
    WrongId,
    /// Answers with another community.
    WrongCommunity,
    /// Answers when nobody waits any more.
    Late(Duration),
    /// Says tooBig instead of cutting a long answer.
    TooBig,
    /// Says tooBig to everything.
    AlwaysTooBig,
    /// Sends bytes that are no SNMP.
    Garbage,
    /// Answers, with numbers of no octets.
    EmptyNumbers,
    /// Answers only GETBULKs of at most 10 repetitions.
    ChokesOnLargeBulk,
}

/// Twice the longest time-out of a question.
const LATE: Duration = Duration::from_secs(4);

impl Fault {
    #[must_use]
    pub fn delay(self) -> Option<Duration> {
        match self {
            Self::Late(delay) => Some(delay),
            _ => None,
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "none" => Self::None,
            "silent" => Self::Silent,
            "truncated" => Self::Truncated,
            "oversized" => Self::Oversized,
            "endless" => Self::Endless,
            "stuck" => Self::Stuck,
            "decreasing" => Self::Decreasing,
            "wrong-id" => Self::WrongId,
            "wrong-community" => Self::WrongCommunity,
            "late" => Self::Late(LATE),
            "too-big" => Self::TooBig,
            "always-too-big" => Self::AlwaysTooBig,
            "garbage" => Self::Garbage,
            "empty-numbers" => Self::EmptyNumbers,
            "chokes-on-large-bulk" => Self::ChokesOnLargeBulk,
            other => return Err(format!("no fault is called {other:?}")),
        })
    }
}
