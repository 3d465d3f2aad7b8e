//! The Farwatch agent as a library: its stages, for the binary and for tests.

pub mod poll;
