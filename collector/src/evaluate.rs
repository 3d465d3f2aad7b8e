//! Stage **evaluate**: what is wrong, by the rules of each tenant.

pub mod engine;
pub mod metric;
pub mod rule;
pub mod severity;
pub mod track;
