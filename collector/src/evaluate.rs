//! Stage **evaluate**: what is wrong, by the rules of each tenant.

pub mod severity;
