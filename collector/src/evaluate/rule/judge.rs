//! Core: what a rule says of a state or of a value.

use super::{Condition, Side};
use crate::live::State;

/// What a rule says of what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Breach,
    /// Between the limit and where it is well again: what fires goes on, and nothing begins.
    Band,
    Well,
    /// Nobody can tell.
    Unknown,
}

impl Condition {
    /// What a rule about devices says of this state.
    #[must_use]
    pub fn of_device(&self, state: State) -> Look {
        match self {
            Self::DeviceState { .. } if state == State::Unknown => Look::Unknown,
            Self::DeviceState { states } if states.iter().any(|bad| bad.is(state)) => Look::Breach,
            _ => Look::Well,
        }
    }

    /// What a rule about agents says, and the word for how the agent is. `None`: nobody can tell yet.
    #[must_use]
    pub fn of_agent(offline: Option<bool>) -> (Look, &'static str) {
        match offline {
            Some(true) => (Look::Breach, "offline"),
            Some(false) => (Look::Well, "online"),
            None => (Look::Unknown, "unknown"),
        }
    }

    /// What a rule about metrics says of this value; of none, nothing.
    #[must_use]
    pub fn of_value(&self, value: Option<f64>) -> Look {
        let Self::Metric { is, limit, clear, .. } = self else { return Look::Unknown };
        let Some(value) = value.filter(|value| value.is_finite()) else { return Look::Unknown };
        let (wrong, well) = match (is, clear) {
            (Side::Above, Some(clear)) => (value >= *limit, value <= *clear),
            (Side::Below, Some(clear)) => (value <= *limit, value >= *clear),
            (Side::Above, None) => (value >= *limit, true),
            (Side::Below, None) => (value <= *limit, true),
        };
        match (wrong, well) {
            (true, _) => Look::Breach,
            (false, true) => Look::Well,
            (false, false) => Look::Band,
        }
    }
}
