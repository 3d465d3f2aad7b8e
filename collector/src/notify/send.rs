//! One attempt to tell one channel of one message.
//!
//! - in: a channel with its secrets open, a message, its idempotency key
//! - out: an [`Attempt`], in words of our own
//! - bound: [`DEADLINE`], of mail [`MAIL_DEADLINE`], each until it is known how it ends; answers are
//!   read up to a bound and never kept
//! - when full: cannot be
//! - on crash: nobody knows whether it arrived, and it is sent again with the same key

pub mod email;
mod mqtt;
mod post;
mod slack;
mod webhook;

use std::time::Duration;

use farwatch_common::clock::Micros;

use super::connect::{ConnectError, Connector};
use super::core::{Attempt, Outcome};
use super::message::Message;
use super::settings::{Kind, Secrets, Settings};
use email::Mailer;

/// From the look at the name to the answer.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Mail servers make strangers wait before they greet.
pub const MAIL_DEADLINE: Duration = Duration::from_secs(30);

/// What is sent, and where.
#[derive(Debug)]
pub struct Parcel {
    pub kind: Kind,
    pub settings: Settings,
    pub secrets: Secrets,
    /// Makes it count once at the other side.
    pub key: String,
    /// As it is stored.
    pub body: String,
    pub message: Message,
    /// What a broker knows this channel by.
    pub client: String,
}

/// Sends by every kind of channel.
#[derive(Clone)]
pub struct Sender {
    pub connector: Connector,
    /// `None`: the administrator has set no mail server.
    pub mailer: Option<Mailer>,
}

impl Sender {
    pub async fn send(&self, parcel: &Parcel, now: Micros) -> Attempt {
        match parcel.kind {
            Kind::Webhook => webhook::send(&self.connector, parcel, now).await,
            Kind::Slack => slack::send(&self.connector, parcel).await,
            Kind::Mqtt => mqtt::send(&self.connector, parcel).await,
            Kind::Email => match &self.mailer {
                Some(mailer) => mailer.send(parcel).await,
                None => broken("the administrator of this collector has set no mail server"),
            },
        }
    }
}

fn late(deadline: Duration) -> Attempt {
    Attempt::new(Outcome::Timeout, format!("nothing within {} s", deadline.as_secs()))
}

fn broken(detail: &str) -> Attempt {
    Attempt::new(Outcome::Broken, detail)
}

impl From<ConnectError> for Attempt {
    fn from(error: ConnectError) -> Self {
        let outcome = match error {
            ConnectError::Forbidden(_) => Outcome::Forbidden,
            _ => Outcome::Unreachable,
        };
        Self::new(outcome, error.to_string())
    }
}
