//! Tests that need more than one crate. One binary; a module per area.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without, it fails on")]

mod audit;
mod canary;
mod commands;
mod crash;
mod encrypted;
mod faults;
mod history;
mod isolation;
mod keys;
mod listen;
mod lost;
mod moving;
mod network;
mod notify;
mod poll;
mod postgres;
mod road;
mod rollback;
mod routers;
mod scan;
mod snmpd;
mod stopped;
mod totp;
mod uplink;
mod wire;
