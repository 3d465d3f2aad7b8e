//! Stage **notify**: tells people of what `evaluate` has found.
//!
//! - in: rows that [`outbox::enqueue`] writes in the transaction of a transition
//! - out: webhooks, mail, Slack, MQTT; a row for each attempt
//! - bound: [`outbox::QUEUED_MAX`] waiting per channel, one delivery of a channel at a time,
//!   [`core::IN_FLIGHT_MAX`] over all, a rate per channel
//! - when full: what is more is kept as failed, and seen; what is too fast is delayed
//! - on crash: what was sent and not yet written as sent is sent again, with the same key

pub mod channel;
pub mod config;
pub mod connect;
pub mod core;
pub mod courier;
pub mod deliveries;
pub mod guard;
mod key;
pub mod message;
pub mod outbox;
pub mod route;
pub mod scope;
pub mod send;
pub mod settings;
pub mod signature;
pub(crate) mod spell;
pub mod store;
pub mod target;

pub use courier::{Courier, Nudge};
pub use key::NotifyKey;

#[cfg(test)]
mod tests;
