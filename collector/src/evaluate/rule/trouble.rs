//! Core: what may be wrong with an agent that is there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Look;
use crate::live::feed::Troubles;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = AgentTrouble)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Its clock is wrong by more than a minute.
    Clock,
    /// Two hosts run as it.
    Cloned,
    /// It told of data that is lost, within the last hour.
    Losing,
}

impl Trouble {
    /// Also the object of its alert: an agent has one of each.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Cloned => "cloned",
            Self::Losing => "losing",
        }
    }

    /// What a rule says of it, and the word for how it is.
    #[must_use]
    pub fn of(self, told: &Troubles) -> (Look, &'static str) {
        let is_wrong = match self {
            Self::Clock => told.clock,
            Self::Cloned => told.cloned,
            Self::Losing => told.losing,
        };
        match is_wrong {
            Some(true) => (Look::Breach, "wrong"),
            Some(false) => (Look::Well, "well"),
            None => (Look::Unknown, "unknown"),
        }
    }
}
