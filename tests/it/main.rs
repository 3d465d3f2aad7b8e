//! Tests that need more than one crate. One binary; a module per area.

mod poll;
