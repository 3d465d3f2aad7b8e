//! Poll: asks the gear of the site for its numbers over SNMP v1, v2c and v3.
//!
//! - **In:** the targets (a watch, replaced as a whole) and the clock.
//! - **Out:** rows of samples with their schema, and events with facts.
//! - **Bound:** one question on the way per device, a window of polls in flight, an output channel
//!   of the caller's size.
//! - **When full:** a slot that cannot be taken is skipped and counted, a row that finds no room
//!   is dropped, counted, and noted for the next stage, which declares it. Polling never waits for the
//!   next stage, nor for the uplink.
//! - **On crash:** nothing is kept; the next slot polls again.
//!
//! [`engine`] is the pure core; [`shell`] owns the sockets; [`resolve`] looks up host names.

pub mod ber;
pub mod counters;
pub mod credential;
pub mod engine;
mod facts;
mod grid;
mod make;
pub mod message;
mod names;
pub mod now;
pub mod oid;
pub mod outlet;
mod pace;
pub mod ping;
pub mod plan;
pub mod probe;
mod resolve;
mod restart;
pub mod scan;
mod shape;
mod shell;
mod throttle;
mod usm;
mod walk;
mod wheel;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Row, Schema};
use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use self::counters::{PollCounters, PollSnapshot};
use self::engine::Settings;
pub use self::facts::text;
use self::outlet::Outlet;
use self::plan::Plan;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnmpVersion {
    V1,
    V2c,
}

impl SnmpVersion {
    /// The number in a message's version field.
    #[must_use]
    pub fn on_wire(self) -> u8 {
        match self {
            Self::V1 => 0,
            Self::V2c => 1,
        }
    }
}

/// What a device is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody gave a credential: SNMP asks nothing, and says so at every slot.
    Nothing,
    Community {
        version: SnmpVersion,
        community: Secret,
    },
    User(SnmpUser),
}

impl Access {
    /// The number in a message's version field.
    #[must_use]
    pub(crate) fn on_wire(&self) -> u8 {
        match self {
            Self::Community { version, .. } => version.on_wire(),
            Self::Nothing | Self::User(_) => 3,
        }
    }

    /// Empty where there is none.
    #[must_use]
    pub(crate) fn community(&self) -> &[u8] {
        match self {
            Self::Community { community, .. } => community.expose(),
            Self::Nothing | Self::User(_) => &[],
        }
    }
}

/// A user of SNMPv3 (RFC 3414).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnmpUser {
    pub name: Vec<u8>,
    /// The authentication protocol and its password; `None` is noAuthNoPriv.
    pub auth: Option<(proto::SnmpAuth, Secret)>,
    /// The privacy protocol and its password; only with authentication.
    pub privacy: Option<(proto::SnmpPrivacy, Secret)>,
    /// contextName; empty is the default context.
    pub context: Vec<u8>,
}

/// Largest [`Manner::request_gap`]: with more, the questions of one poll outlast its time.
pub const REQUEST_GAP_MAX: Duration = Duration::from_secs(1);

/// How else a device is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Echo requests are sent.
    pub ping: bool,
    /// An answer from another address than was asked is not taken.
    pub strict_source: bool,
    /// Least time between two questions, at most [`REQUEST_GAP_MAX`].
    pub request_gap: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self { ping: true, strict_source: false, request_gap: Duration::ZERO }
    }
}

/// One device to poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub device: DeviceId,
    /// IP address or host name.
    pub host: String,
    pub port: u16,
    pub interval: Duration,
    pub access: Access,
    pub manner: Manner,
}

impl Target {
    /// Where the device is, if its host is an IP address and no name to look up.
    #[must_use]
    pub fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        // The system sends nothing to an IPv4 address in the clothes of IPv6 (RFC 4291 §2.5.5.2).
        Some((ip.to_canonical(), self.port).into())
    }
}

/// What polling sees.
#[derive(Clone, Debug)]
pub enum Observation {
    Row {
        row: Row,
        schema: Arc<Schema>,
    },
    Event(proto::Event),
    /// A poll of the device has ended. Only told where [`Settings`] ask for it.
    Ended(DeviceId),
}

/// How to poll.
#[derive(Debug)]
pub struct PollConfig {
    pub plan: Plan,
    pub settings: Settings,
    /// Is told the addresses of host names too.
    pub ping: Option<ping::PingNow>,
    /// Who wants a poll beside the schedule.
    pub now: Option<now::Requests>,
}

impl Default for PollConfig {
    fn default() -> Self {
        Self { plan: Plan::standard(), settings: Settings::default(), ping: None, now: None }
    }
}

/// Why the stage could not run, or a probe had no result.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error("the poll plan cannot be carried out")]
    Plan(#[from] plan::PlanSize),
    #[error("the next stage is gone")]
    OutputClosed,
    #[error("the device gave no values: {}", .0.advice())]
    Device(probe::ProbeFailure),
    #[error("the device gave no values: {}", .0.advice())]
    NoAnswer(probe::NoAnswer),
    #[error("the device answers the community over SNMP v1 only: ask with --version v1")]
    OnlyV1,
}

impl PollError {
    /// Why a probe had no result, for programs: the name of a cause, or of a silence.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Device(failure) => failure.cause.name(),
            Self::NoAnswer(no_answer) => no_answer.silence.name(),
            Self::OnlyV1 => "only_v1",
            Self::Plan(_) | Self::OutputClosed => "internal",
        }
    }

    /// What is wrong and what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Device(failure) => failure.advice().to_owned(),
            Self::NoAnswer(no_answer) => no_answer.advice(),
            Self::OnlyV1 | Self::Plan(_) | Self::OutputClosed => self.to_string(),
        }
    }
}

/// Polls `targets` until `cancel`.
pub async fn run(
    config: PollConfig,
    targets: watch::Receiver<Arc<Vec<Target>>>,
    out: impl Into<Outlet>,
    clock: Clock,
    counters: Arc<PollCounters>,
    cancel: CancellationToken,
) -> Result<(), PollError> {
    let (addresses, resolved) = mpsc::channel(resolve::ADDRESSES_MAX);
    let ping = config.ping.clone();
    let shell = shell::Shell::new(config, out.into(), clock, counters)?;
    let names = targets.clone();
    tokio::select! {
        () = cancel.cancelled() => Ok(()),
        ended = shell.run(targets, resolved) => ended,
        () = resolve::run(names, addresses, ping) => Ok(()),
    }
}
