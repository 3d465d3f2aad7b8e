//! Core: what is read of a thing that a rule looks at.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A word of the API.
pub type Word = Cow<'static, str>;

/// The value of a metric, or the state of a device, an interface or an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Word>,
    /// What made it so, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Word>,
}

impl Seen {
    #[must_use]
    pub fn value(value: Option<f64>, cause: Option<Word>) -> Self {
        Self { value, cause, state: None }
    }

    #[must_use]
    pub fn state(state: &'static str, cause: Option<&'static str>) -> Self {
        Self { value: None, state: Some(state.into()), cause: cause.map(Word::Borrowed) }
    }
}
