//! Tests' own: devices whose configurations come in, on both engines.

use std::sync::Arc;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ConfigJobId, ConfigVersionId, DeviceId};
use farwatch_proto::v1::{ConfigOutcome, ConfigSnapshot, SnapshotPart, config_outcome};
use prost::Message as _;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::receive::{ReceiveError, Receiver, ReceiverParts};
use super::version::Writers;
use super::{JobsChanged, VersionsChanged};
use crate::identity::{Access, PeerInfo, TenantContext};
use crate::inventory::Vault;
use crate::metrics::Metrics;
use crate::store::Database;
use crate::store::fixture::scratch::composed;
use crate::store::fixture::{self, AGENT, DEVICE, PostgresWorld, Raw, TENANT, peer};
use crate::store::ids::id_generator;

pub(crate) const KEY: [u8; 32] = [9; 32];
pub(crate) const HOST_KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const OTHER_KEY: &str = "SHA256:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

enum Base {
    Sqlite(fixture::World),
    Postgres(Box<PostgresWorld>),
}

/// A collector's intake.
pub(crate) struct Place {
    base: Base,
    pub(crate) db: Database,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Clock,
    pub(crate) receiver: Receiver,
    pub(crate) versions: VersionsChanged,
    pub(crate) writers: Writers,
    pub(crate) context: TenantContext,
    _dir: tempfile::TempDir,
}

impl Place {
    /// One on each engine that is there.
    pub(crate) async fn each() -> Vec<Self> {
        let base = fixture::World::open().await;
        let mut places = vec![Self::on(base.database.clone(), Base::Sqlite(base)).await];
        if let Some(base) = PostgresWorld::open().await {
            places.push(Self::on(base.database.clone(), Base::Postgres(Box::new(base))).await);
        }
        places
    }

    async fn on(db: Database, base: Base) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open(dir.path()).unwrap());
        let clock = Clock::system();
        let context = TenantContext::local(&db).await.unwrap();
        let mut txn = db.change(&context, TENANT, Access::Admin).await.unwrap();
        let wrapping = vault.wrapping().unwrap();
        vault.tenant_key_create(&mut txn, &wrapping, TENANT, clock.now()).await.unwrap();
        txn.commit([], clock.now()).await.unwrap();
        let (versions, writers) = (VersionsChanged::default(), Writers::default());
        let receiver = receiver(&db, &vault, &clock, (&versions, &writers)).await;
        Self { base, db, vault, clock, receiver, versions, writers, context, _dir: dir }
    }

    /// As after a restart of the collector: nothing but what is written is known.
    pub(crate) async fn restart(&mut self) {
        let of = (&self.versions, &self.writers);
        self.receiver = receiver(&self.db, &self.vault, &self.clock, of).await;
    }

    pub(crate) fn raw(&self) -> Raw<'_> {
        match &self.base {
            Base::Sqlite(_) => Raw::Sqlite(&self.db),
            Base::Postgres(base) => Raw::Postgres(&base.scratch),
        }
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.raw().count(composed(sql.to_owned())).await
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.raw().run(composed(sql.to_owned())).await;
    }

    /// A job that the agent has.
    pub(crate) async fn job(&self, number: i64, device: DeviceId) -> ConfigJobId {
        self.run(&running(number, device, AGENT.0)).await;
        ConfigJobId(number)
    }

    /// A configuration of the device comes in, in one part.
    pub(crate) async fn fetch(&self, number: i64, device: DeviceId, text: &str) -> ConfigVersionId {
        let job = self.job(number, device).await;
        self.send(job, &packed(snapshot(job, text))).await.unwrap();
        let sql = format!("SELECT version_id FROM config_job WHERE job_id = {number}");
        ConfigVersionId(self.count(&sql).await)
    }

    /// Sends a whole, part by part, from where the collector is.
    pub(crate) async fn send(&self, job: ConfigJobId, whole: &[u8]) -> Result<u64, ReceiveError> {
        let mut next = self.receiver.part(&agent(), part(job, whole, 0, 0)).await?.next;
        while next < whole.len() as u64 {
            let sent = self.receiver.part(&agent(), part(job, whole, next, 60_000)).await?;
            assert!(sent.next > next, "{next}");
            next = sent.next;
        }
        Ok(next)
    }

    pub(crate) async fn remove(self) {
        match self.base {
            Base::Sqlite(base) => base.remove().await,
            Base::Postgres(base) => base.remove().await,
        }
    }
}

pub(crate) async fn receiver(
    db: &Database,
    vault: &Arc<Vault>,
    clock: &Clock,
    (versions, writers): (&VersionsChanged, &Writers),
) -> Receiver {
    let parts = ReceiverParts {
        database: db.clone(),
        vault: Arc::clone(vault),
        ids: Arc::new(id_generator(db, 1).await.unwrap()),
        clock: clock.clone(),
        jobs: JobsChanged::default(),
        versions: versions.clone(),
        writers: writers.clone(),
    };
    Receiver::new(parts, &Metrics::default())
}

/// The statement of a job of a device of tenant 1 that this agent has.
pub(crate) fn running(number: i64, device: DeviceId, agent: i64) -> String {
    format!(
        "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, host, port, reason,
                                 asked_by, state, created_at, started_at)
         SELECT tenant_id, {number}, device_id, 5, {agent}, host, 22, 'manual', 'noc', 'running', 0, 0
         FROM device WHERE tenant_id = {} AND device_id = {}",
        TENANT.0, device.0
    )
}

pub(crate) fn agent() -> PeerInfo {
    peer(AGENT, 1)
}

/// The part of a whole at `offset`; of 0 bytes: a question.
pub(crate) fn part(job: ConfigJobId, whole: &[u8], offset: u64, bytes: usize) -> SnapshotPart {
    let from = usize::try_from(offset).unwrap();
    let data = whole[from..].iter().take(bytes).copied().collect();
    SnapshotPart {
        job_id: job.0,
        bytes: whole.len() as u64,
        hash: blake3::hash(whole).as_bytes().to_vec(),
        offset,
        data,
        key: if bytes == 0 { Vec::new() } else { KEY.to_vec() },
    }
}

/// As an agent seals what a device sent.
pub(crate) fn sealed(job: ConfigJobId, raw: &[u8]) -> Vec<u8> {
    let mut packed = zstd::bulk::compress(raw, 3).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &KEY).unwrap());
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    let aad = Aad::from(job.0.to_be_bytes());
    key.seal_in_place_append_tag(nonce, aad, &mut packed).unwrap();
    packed
}

/// Lines that begin with `!` are shown and no reason for a version.
pub(crate) fn snapshot(job: ConfigJobId, text: &str) -> ConfigSnapshot {
    let counts = text.lines().filter(|line| !line.starts_with('!')).collect::<Vec<_>>().join("\n");
    let raw = format!("{text}secret s3cr3t-{}\n", job.0);
    ConfigSnapshot {
        platform: "ios".into(),
        normalised: text.into(),
        significant: blake3::hash(counts.as_bytes()).as_bytes().to_vec(),
        facts: vec!["version 15.2".into()],
        host_key: HOST_KEY.into(),
        raw: sealed(job, raw.as_bytes()),
        raw_bytes: raw.len() as u64,
    }
}

pub(crate) fn packed(snapshot: ConfigSnapshot) -> Vec<u8> {
    packed_kind(config_outcome::Kind::Snapshot(snapshot))
}

pub(crate) fn packed_kind(kind: config_outcome::Kind) -> Vec<u8> {
    let outcome = ConfigOutcome { began_us: 1, ended_us: 2, kind: Some(kind) };
    zstd::bulk::compress(&outcome.encode_to_vec(), 3).unwrap()
}

/// A large text that does not pack to nothing.
pub(crate) fn large(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 64);
    for number in 0u64.. {
        let hash = blake3::hash(&number.to_le_bytes());
        text.push_str(&format!("interface e{number} description {}\n", &hash.to_hex()[..24]));
        if text.len() >= bytes {
            break;
        }
    }
    text
}

pub(crate) const SECOND_DEVICE: DeviceId = fixture::SECOND;
pub(crate) const FIRST_DEVICE: DeviceId = DEVICE;

pub(crate) fn days(number: i64) -> i64 {
    number * 86_400 * Micros::SECOND
}
