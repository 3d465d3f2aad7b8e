//! Tests that need more than one crate. One binary; a module per area.

mod crash;
mod listen;
mod poll;
mod road;
mod routers;
mod uplink;
