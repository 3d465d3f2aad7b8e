//! Names for metrics and logs.

use crate::v1::RejectCode;

impl RejectCode {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Malformed => "malformed",
            Self::Fork => "fork",
            Self::UnknownSchema => "unknown_schema",
            Self::NotYours => "not_yours",
            Self::NotNow => "not_now",
        }
    }
}
