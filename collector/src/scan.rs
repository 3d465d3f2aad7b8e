//! Room **scan**: looks for what stands at a site, through its agent, and proposes devices of it.
//!
//! - in: ranges of addresses and credentials, from `api`
//! - out: some addresses at a time to the agent, by `command`; hosts, which are kept
//! - bound: [`ADDRESSES_MAX`] addresses and [`CANDIDATES_MAX`] credentials of a scan, one scan of an
//!   agent, [`SCANS_PER_TENANT_MAX`] of a tenant under way, [`SCANS_MAX`] in all; [`SCANS_KEPT`] of a
//!   tenant are kept
//! - when full: refused
//! - on crash: a scan that was under way counts as failed; what it has found stays
//!
//! The agent knows nothing of scans: it is asked for one chunk after the other. One that is away has
//! [`PATIENCE`] to come back. A chunk that it was asked for before has the same id: it tells what came of
//! it, and does not ask the hosts once more.

mod course;
mod drive;
mod key;
mod kind;
pub mod propose;
pub mod ranges;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, ScanId, SiteId, TenantId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::identity::TenantContext;
use crate::identity::places::{Full, Place, Places};
use crate::inventory::Named;
use crate::inventory::snmp::Credential;
pub use drive::Scanner;
pub use farwatch_common::scan::PACKETS_PER_SECOND_MAX;
pub use key::ScanKey;
pub use ranges::ADDRESSES_MAX;

/// Credentials that one scan tries: a silent host takes its time over each.
pub const CANDIDATES_MAX: usize = 16;
/// Scans under way, of all tenants.
pub const SCANS_MAX: usize = 64;
/// Of one tenant, each of another agent.
pub const SCANS_PER_TENANT_MAX: usize = 8;
/// Of a tenant, with their hosts; older ones go.
pub const SCANS_KEPT: u32 = 20;
/// How long an agent may be away or busy.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// So gentle is a scan that nobody made faster or slower: a home router bears it.
pub const PACKETS_PER_SECOND: u32 = 100;
/// Slower, and one host may take longer than an agent has for a command.
pub const PACKETS_PER_SECOND_MIN: u32 = 20;

/// How far a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    /// For its agent.
    Waiting,
    Done,
    Failed,
    Cancelled,
}

impl State {
    const ALL: [Self; 5] =
        [Self::Running, Self::Waiting, Self::Done, Self::Failed, Self::Cancelled];

    /// As the database has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// A search for what stands at a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub id: ScanId,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub agent: Named<AgentId>,
    /// As the audit names them.
    pub asked_by: String,
    pub ranges: Vec<String>,
    pub profiles: Vec<Tried>,
    pub port: u16,
    pub packets_per_second: u32,
    pub state: State,
    pub asked: u32,
    pub total: u32,
    /// Hosts, those that are devices already among them.
    pub found: u32,
    pub detail: Option<String>,
    pub started_at: Micros,
    pub ended_at: Option<Micros>,
}

/// A profile that is tried, by what may be shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub profile: Named<CredentialId>,
    /// Devices must have it to be asked with the profile.
    pub tag: Option<String>,
}

/// A host that a scan has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub address: Ipv4Addr,
    /// It was a device already, and was not asked.
    pub watched: bool,
    /// Round-trip time of an echo, if it answers any.
    pub echo_us: Option<u32>,
    /// What it takes over SNMP.
    pub works: Option<Works>,
    /// Why it takes nothing, by the name of the cause.
    pub cause: Option<String>,
    pub advice: Option<String>,
    pub sys_name: Option<String>,
    pub sys_descr: Option<String>,
    pub sys_object_id: Option<String>,
    pub up_since: Option<Micros>,
    /// Which, where the agent knows it by a host name.
    pub device: Option<DeviceId>,
}

/// The credential that a host takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Works {
    pub profile: Named<CredentialId>,
    /// As an `snmp_version` of a device.
    pub version: &'static str,
}

impl Host {
    /// One of which no more is known.
    #[must_use]
    pub fn at(address: Ipv4Addr) -> Self {
        Self {
            address,
            watched: false,
            echo_us: None,
            works: None,
            cause: None,
            advice: None,
            sys_name: None,
            sys_descr: None,
            sys_object_id: None,
            up_since: None,
            device: None,
        }
    }
}

/// A credential that is tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub profile: Named<CredentialId>,
    /// Of a community; v1 is tried beside it.
    pub version: &'static str,
    pub credential: Credential,
}

/// A scan that is to begin, and on whose behalf.
pub struct Wish {
    pub scan: Scan,
    pub context: TenantContext,
    /// Those to be asked.
    pub hosts: Vec<Ipv4Addr>,
    pub candidates: Vec<Candidate>,
    /// Profiles in reach that were too many to be tried.
    pub left_out: usize,
}

/// A scan's place among those under way; given back when it is dropped.
pub struct Turn {
    scan: ScanId,
    /// Nothing is asked any more.
    cancelled: CancellationToken,
    under_way: UnderWay,
    _place: Place<TenantId>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.scan);
    }
}

/// A wish with its place, on its way to who carries it out.
struct Begun {
    wish: Wish,
    turn: Turn,
}

/// Begins and ends scans. Cheap to clone.
#[derive(Clone)]
pub struct Scans {
    places: Arc<Places<TenantId>>,
    begun: mpsc::Sender<Begun>,
    under_way: UnderWay,
}

/// How each scan under way is called off.
#[derive(Clone, Default)]
struct UnderWay(Arc<Mutex<BTreeMap<ScanId, CancellationToken>>>);

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ScanId, CancellationToken>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scans {
    fn new() -> (Self, mpsc::Receiver<Begun>) {
        let (begun, received) = mpsc::channel(SCANS_MAX);
        let places = Arc::new(Places::new(SCANS_MAX, SCANS_PER_TENANT_MAX));
        (Self { places, begun, under_way: UnderWay::default() }, received)
    }

    /// Takes a place for a scan, which can be called off from then on; before anything is written.
    pub fn turn(&self, tenant: TenantId, scan: ScanId) -> Result<Turn, Full> {
        let place = self.places.take(tenant)?;
        let (cancelled, under_way) = (CancellationToken::new(), self.under_way.clone());
        under_way.lock().insert(scan, cancelled.clone());
        Ok(Turn { scan, cancelled, under_way, _place: place })
    }

    /// Begins a scan that is written. False: this process is about to stop.
    #[must_use]
    pub fn begin(&self, turn: Turn, wish: Wish) -> bool {
        // There is room for as many as have a place.
        self.begun.try_send(Begun { wish, turn }).is_ok()
    }

    /// Asks nothing more for this scan, which is written as ended.
    pub fn cancel(&self, scan: ScanId) {
        if let Some(cancel) = self.under_way.lock().get(&scan) {
            cancel.cancel();
        }
    }
}
