//! Tests that need more than one crate. One binary; a module per area.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without, it fails on")]

mod audit;
mod canary;
mod commands;
mod crash;
mod doctor;
mod encrypted;
mod fallback;
mod isolation;
mod keys;
mod links;
mod listen;
mod lost;
mod moving;
mod ping;
mod poll;
mod postgres;
mod road;
mod routers;
mod snmpd;
mod totp;
mod uplink;
mod wire;
