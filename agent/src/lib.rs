//! The Farwatch agent as a library: its stages, for the binary and for tests.

pub mod agent;
pub mod args;
pub mod buffer;
pub mod command;
pub mod config;
pub mod doctor;
pub mod history;
pub mod identity;
pub mod inventory;
pub mod platform;
pub mod poll;
pub mod seal;
pub mod state_dir;
pub mod status;
pub mod uplink;
