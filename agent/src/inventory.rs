//! Inventory: which devices this agent polls, as the collector assigned them.
//!
//! The assignment is kept on disk, so that polling goes on while the collector is out of reach and
//! after a restart. Communities are on disk only sealed ([`seal`]); the rest is readable.

mod seal;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::DeviceId;
use farwatch_common::secret::Secret;
use farwatch_common::task::chain;
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, DeviceAssignment, RefusedDevice, SnmpVersion as WireVersion,
};
use prost::Message as _;
use tokio::sync::watch;

pub use self::seal::Owner;
use self::seal::Sealer;
use crate::poll::{Access, Manner, SnmpVersion, Target};

/// Most devices one agent polls (design §5).
pub const DEVICES_MAX: usize = 10_000;
const HOST_BYTES_MAX: usize = 253;
const COMMUNITY_BYTES_MAX: usize = 255;
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
    #[error("{path} is not a key of 32 bytes; remove it, the collector sends the devices again")]
    Key { path: PathBuf },
    #[error("a credential cannot be sealed")]
    Seal,
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
        let sealer = Sealer::open(&state_dir.join("master.key"), owner)?;
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
            if let Some(snmp) = &mut device.snmp {
                let plain = Secret::new(std::mem::take(&mut snmp.community));
                snmp.community = self.sealer.seal(device.device_id, &plain)?;
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
        if let Some(snmp) = &mut device.snmp {
            let plain = sealer.open_sealed(device.device_id, &snmp.community)?;
            snmp.community = plain.expose().to_vec();
        }
    }
    Some(assignment)
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
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if device.device_id <= 0 {
        return Err("the device id is not positive");
    }
    if device.host.is_empty()
        || device.host.len() > HOST_BYTES_MAX
        || !device.host.chars().all(allowed)
    {
        return Err("the host is neither an IP address nor a host name");
    }
    let port = u16::try_from(device.port).ok().filter(|port| *port != 0);
    if !(INTERVAL_MS_MIN..=INTERVAL_MS_MAX).contains(&device.interval_ms) {
        return Err("the interval is not between 1 second and 1 day");
    }
    let snmp = device.snmp.as_ref().ok_or("there is no SNMP credential")?;
    let version = match snmp.version() {
        WireVersion::V1 => SnmpVersion::V1,
        WireVersion::V2c => SnmpVersion::V2c,
        WireVersion::V3 | WireVersion::Unspecified => {
            return Err("the SNMP version is unknown to this agent");
        }
    };
    if snmp.community.is_empty() || snmp.community.len() > COMMUNITY_BYTES_MAX {
        return Err("the community is empty or too long");
    }
    Ok(Target {
        device: DeviceId(device.device_id),
        host: device.host.clone(),
        port: port.ok_or("the port is not between 1 and 65535")?,
        interval: Duration::from_millis(u64::from(device.interval_ms)),
        access: Access::Community { version, community: Secret::new(snmp.community.clone()) },
        manner: Manner::default(),
    })
}

#[cfg(test)]
mod tests;
