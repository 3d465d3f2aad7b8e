//! Inventory: which devices this agent polls, as the collector assigned them.
//!
//! The assignment is kept on disk, so that polling goes on while the collector is out of reach and
//! after a restart. Communities and passwords are on disk only sealed ([`crate::seal`]); the rest
//! is readable.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::DeviceId;
use farwatch_common::secret::Secret;
use farwatch_common::task::chain;
use farwatch_proto::v1::{Assignment, AssignmentApplied, DeviceAssignment, RefusedDevice};
use prost::Message as _;
use tokio::sync::watch;

use crate::poll::{Access, Manner, REQUEST_GAP_MAX, Target, credential};
use crate::seal::{Kind, Owner, SealError, Sealer};

/// Most devices one agent polls (design §5).
pub const DEVICES_MAX: usize = 10_000;
const HOST_BYTES_MAX: usize = 253;
const INTERVAL_MS_MIN: u32 = 1_000;
const INTERVAL_MS_MAX: u32 = 24 * 3600 * 1_000;
const CACHE_FILE: &str = "assignment.bin";
/// First bytes of the cache; the last one is its version.
const CACHE_MAGIC: &[u8] = b"fwassign\x01";
/// Of the agent the assignment is for: after another enrolment its revision means nothing.
const AGENT_BYTES: usize = 8;

/// Why an assignment is not taken.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("revision {offered} is older than {known}, which this agent has")]
    Older { offered: u64, known: u64 },
    #[error("{count} devices are more than the {DEVICES_MAX} one agent polls")]
    TooMany { count: usize },
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The assignment of this agent.
#[derive(Debug)]
pub struct Inventory {
    path: PathBuf,
    sealer: Sealer,
    /// Its revision; held while an assignment is applied, so that one is applied at a time.
    revision: Mutex<u64>,
    targets: watch::Sender<Arc<Vec<Target>>>,
}

impl Inventory {
    /// Takes up the cached assignment. One that cannot be read is asked for again.
    pub fn open(state_dir: &Path, owner: Owner) -> Result<Self, InventoryError> {
        let sealer = Sealer::open(state_dir, owner)?;
        let path = state_dir.join(CACHE_FILE);
        let cached = read_if_present(&path)
            .map_err(|source| InventoryError::File { path: path.clone(), source })?;
        let cached = cached.and_then(|bytes| {
            let read = read_cache(&sealer, &bytes);
            if read.is_none() {
                tracing::warn!("the cached assignment cannot be read: asking the collector again");
            }
            read
        });
        let assignment = cached.unwrap_or_default();
        let (targets, _) = check(&assignment);
        let revision = Mutex::new(assignment.revision);
        Ok(Self { path, sealer, revision, targets: watch::Sender::new(Arc::new(targets)) })
    }

    /// What to poll, replaced as a whole.
    #[must_use]
    pub fn targets(&self) -> watch::Receiver<Arc<Vec<Target>>> {
        self.targets.subscribe()
    }

    #[must_use]
    pub fn device_count(&self) -> usize {
        self.targets.borrow().len()
    }

    /// Revision of the assignment; 0 is none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the assignment. Devices that break a limit are refused one by one.
    pub fn apply(&self, assignment: Assignment) -> Result<AssignmentApplied, InventoryError> {
        let mut revision = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        if assignment.revision < *revision {
            return Err(InventoryError::Older { offered: assignment.revision, known: *revision });
        }
        if assignment.devices.len() > DEVICES_MAX {
            return Err(InventoryError::TooMany { count: assignment.devices.len() });
        }
        let (targets, refused) = check(&assignment);
        let applied = AssignmentApplied { revision: assignment.revision, refused };
        let number = assignment.revision;
        // A disk that takes nothing must not keep the agent from polling what it should.
        if let Err(error) = self.keep(assignment) {
            tracing::error!(error = chain(&error), "the assignment is not kept for a restart");
        }
        *revision = number;
        tracing::info!(
            revision = number,
            devices = targets.len(),
            refused = applied.refused.len(),
            "assignment applied"
        );
        self.targets.send_replace(Arc::new(targets));
        Ok(applied)
    }

    fn keep(&self, mut assignment: Assignment) -> Result<(), InventoryError> {
        for device in &mut assignment.devices {
            let id = device.device_id;
            for (kind, secret) in secrets(device) {
                let plain = Secret::new(std::mem::take(secret));
                *secret = self.sealer.seal(id, kind, &plain)?;
            }
        }
        let mut bytes = [CACHE_MAGIC, &self.sealer.agent_id().to_be_bytes()].concat();
        bytes.extend_from_slice(&assignment.encode_to_vec());
        let path = &self.path;
        write_private(path, &bytes)
            .map_err(|source| InventoryError::File { path: path.clone(), source })
    }
}

fn read_cache(sealer: &Sealer, bytes: &[u8]) -> Option<Assignment> {
    let (agent, rest) = bytes.strip_prefix(CACHE_MAGIC)?.split_first_chunk::<AGENT_BYTES>()?;
    if i64::from_be_bytes(*agent) != sealer.agent_id() {
        return None;
    }
    let mut assignment = Assignment::decode(rest).ok()?;
    for device in &mut assignment.devices {
        let id = device.device_id;
        for (kind, secret) in secrets(device) {
            *secret = sealer.open_sealed(id, kind, secret)?.expose().to_vec();
        }
    }
    Some(assignment)
}

/// What of a device is on disk only sealed. Absent passwords stay absent.
fn secrets(device: &mut DeviceAssignment) -> impl Iterator<Item = (Kind, &mut Vec<u8>)> {
    let community = device.snmp.iter_mut().map(|snmp| (Kind::Community, &mut snmp.community));
    let passwords = device.snmp_user.iter_mut().flat_map(|user| {
        [
            (Kind::AuthPassword, &mut user.auth_password),
            (Kind::PrivacyPassword, &mut user.privacy_password),
        ]
    });
    community.chain(passwords.filter(|(_, password)| !password.is_empty()))
}

fn check(assignment: &Assignment) -> (Vec<Target>, Vec<RefusedDevice>) {
    let mut targets = Vec::with_capacity(assignment.devices.len());
    let mut refused = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for device in &assignment.devices {
        let new = seen.insert(device.device_id);
        match target(device) {
            Ok(target) if new => targets.push(target),
            Ok(_) => refused.push(refusal(device, "the device is assigned twice")),
            Err(reason) => refused.push(refusal(device, reason)),
        }
    }
    (targets, refused)
}

fn refusal(device: &DeviceAssignment, reason: &str) -> RefusedDevice {
    RefusedDevice { device_id: device.device_id, reason: reason.to_owned() }
}

fn target(device: &DeviceAssignment) -> Result<Target, &'static str> {
    if device.device_id <= 0 {
        return Err("the device id is not positive");
    }
    if !is_host(&device.host) {
        return Err("the host is neither an IP address nor a host name");
    }
    let port = u16::try_from(device.port).ok().filter(|port| *port != 0);
    if !(INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&device.interval_ms) {
        return Err("the interval is not between 1 second and 1 day");
    }
    let access = credential::access(device.snmp.as_ref(), device.snmp_user.as_ref())?;
    if access == Access::Nothing && device.ping_off {
        return Err("there is neither an SNMP credential nor a ping to ask with");
    }
    let request_gap = Duration::from_millis(u64::from(device.request_gap_ms));
    if request_gap > REQUEST_GAP_MAX {
        return Err("the gap between two questions is longer than 1 second");
    }
    Ok(Target {
        device: DeviceId(device.device_id),
        host: device.host.clone(),
        port: port.ok_or("the port is not between 1 and 65535")?,
        interval: Duration::from_millis(u64::from(device.interval_ms)),
        access,
        manner: Manner { ping: !device.ping_off, strict_source: device.strict_source, request_gap },
    })
}

/// An IP address, one with a zone (`fe80::1%eth0`, RFC 4007 §11), or a host name.
pub(crate) fn is_host(text: &str) -> bool {
    let is_made_of = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let is_one = match text.split_once('%') {
        Some((address, zone)) => address.parse::<Ipv6Addr>().is_ok() && is_made_of(zone, ".-_"),
        None => is_made_of(text, ".-_:"),
    };
    is_one && text.len() <= HOST_BYTES_MAX
}

#[cfg(test)]
mod tests;
