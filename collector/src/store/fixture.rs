//! Two tenants with agents and devices, and batches of them, for tests of any stage.

pub(crate) mod scratch;

use std::path::Path;

use bytes::Bytes;
use farwatch_common::batch::{Codec, content_hash, encode_rows};
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, SiteId, TenantId};
use farwatch_common::sample::{Column, Group, MetricKind, Row, Schema, Unit, definition};
use farwatch_proto::v1::Batch;
use prost::Message as _;
use scratch::Scratch;
use sqlx::{SqlSafeStr, Sqlite, Transaction};

use super::samples::Append;
use super::txn::{Inner, Mode, Scope};
use super::{Database, Samples};
use crate::identity::tenancy::Actor;
use crate::identity::{Access, PeerInfo, Remote, TenantContext};
use farwatch_common::transport::Carrier;

pub(crate) const TENANT: TenantId = TenantId(1);
pub(crate) const OTHER_TENANT: TenantId = TenantId(2);
pub(crate) const AGENT: AgentId = AgentId(10);
pub(crate) const NEIGHBOUR: AgentId = AgentId(11);
pub(crate) const OTHER_AGENT: AgentId = AgentId(20);
/// Of [`AGENT`].
pub(crate) const DEVICE: DeviceId = DeviceId(100);
pub(crate) const SECOND: DeviceId = DeviceId(101);
/// Of [`NEIGHBOUR`].
pub(crate) const FOREIGN: DeviceId = DeviceId(110);
pub(crate) const STREAM: i64 = 777;
/// 2026-01-01T00:00:00Z.
pub(crate) const T0: i64 = 1_767_225_600 * Micros::SECOND;

/// On both engines.
const INVENTORY: &str = "
    INSERT INTO tenant (tenant_id, name, created_at) VALUES (1, 'one', 0), (2, 'two', 0);
    INSERT INTO site (tenant_id, site_id, name, created_at)
    VALUES (1, 5, 'here', 0), (2, 6, 'there', 0);
    INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at)
    VALUES (1, 10, 5, 'a', 0), (1, 11, 5, 'b', 0), (2, 20, 6, 'c', 0);
    INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port, interval_s,
                        snmp_version, created_at)
    VALUES (1, 100, 5, 10, 'r1', '192.0.2.1', 161, 60, 'v2c', 0),
           (1, 101, 5, 10, 'r2', '192.0.2.2', 161, 60, 'v2c', 0),
           (1, 110, 5, 11, 'r3', '192.0.2.1', 161, 60, 'v2c', 0),
           (2, 200, 6, 20, 'r4', '192.0.2.1', 161, 60, 'v2c', 0);";

/// SQL past roles and tenants: in the file, or as a superuser.
pub(crate) enum Raw<'a> {
    Sqlite(&'a Database),
    Postgres(&'a Scratch),
}

impl Raw<'_> {
    pub(crate) async fn run(&self, sql: impl SqlSafeStr) {
        match self {
            Self::Sqlite(database) => {
                let mut txn = sqlite(database).await;
                sqlx::raw_sql(sql).execute(&mut *txn).await.unwrap();
                txn.commit().await.unwrap();
            }
            Self::Postgres(scratch) => {
                sqlx::raw_sql(sql).execute(&mut scratch.superuser().await).await.unwrap();
            }
        }
    }

    /// The number that the statement gives.
    pub(crate) async fn count(&self, sql: impl SqlSafeStr) -> i64 {
        match self {
            Self::Sqlite(database) => {
                sqlx::query_scalar(sql).fetch_one(&mut *sqlite(database).await).await.unwrap()
            }
            Self::Postgres(scratch) => {
                let superuser = &mut scratch.superuser().await;
                sqlx::query_scalar(sql).fetch_one(superuser).await.unwrap()
            }
        }
    }
}

/// A transaction of the driver, on the only writer.
async fn sqlite(database: &Database) -> Transaction<'static, Sqlite> {
    let txn = database.begin(Mode::Write, Scope::identity()).await.unwrap();
    match txn.into_inner() {
        Inner::Sqlite(inner) => inner,
        Inner::Postgres(_) => panic!("not SQLite"),
    }
}

/// A SQLite database of its own, with the inventory in it.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) samples: Samples,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::open_in(&std::env::temp_dir()).await
    }

    /// In a directory of its own in this one.
    pub(crate) async fn open_in(parent: &Path) -> Self {
        let dir = tempfile::tempdir_in(parent).unwrap();
        let database = Database::open(dir.path()).await.unwrap();
        Raw::Sqlite(&database).run(INVENTORY).await;
        let samples = Samples::new(database.clone());
        Self { database, samples, dir }
    }

    pub(crate) async fn remove(self) {
        self.database.close().await;
    }

    /// The same files, opened anew as after a restart.
    pub(crate) async fn reopen(self) -> Self {
        self.database.close().await;
        let database = Database::open(self.dir.path()).await.unwrap();
        let samples = Samples::new(database.clone());
        Self { database, samples, dir: self.dir }
    }

    /// Runs past roles and tenants.
    pub(crate) async fn run(&self, sql: &'static str) {
        Raw::Sqlite(&self.database).run(sql).await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        Raw::Sqlite(&self.database).count(sql).await
    }
}

/// A PostgreSQL database of its own, with the inventory in it.
pub(crate) struct PostgresWorld {
    pub(crate) database: Database,
    pub(crate) samples: Samples,
    pub(crate) scratch: Scratch,
}

impl PostgresWorld {
    /// `None`, and a line that says so, without a cluster.
    pub(crate) async fn open() -> Option<Self> {
        let scratch = Scratch::open().await?;
        Raw::Postgres(&scratch).run(INVENTORY).await;
        let database = scratch.database().await;
        let samples = Samples::new(database.clone());
        Some(Self { database, samples, scratch })
    }

    /// Runs past roles and tenants.
    pub(crate) async fn run(&self, sql: &'static str) {
        Raw::Postgres(&self.scratch).run(sql).await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        Raw::Postgres(&self.scratch).count(sql).await
    }

    pub(crate) async fn remove(self) {
        self.database.close().await;
        self.scratch.remove().await;
    }
}

/// Who may read everything of one tenant.
pub(crate) fn context(tenant: TenantId) -> TenantContext {
    TenantContext::of(Actor::Local, false, [(tenant, Access::Read)])
}

pub(crate) fn peer(agent: AgentId, connection: u64) -> PeerInfo {
    PeerInfo {
        tenant: if agent == OTHER_AGENT { OTHER_TENANT } else { TENANT },
        site: SiteId(5),
        agent,
        key_hash: [0; 32],
        remote: Remote::At(([127, 0, 0, 1], 4000).into()),
        transport: Carrier::Quic,
        connection,
    }
}

fn column(object: &str, metric: &str, kind: MetricKind, unit: Unit, exponent: i8) -> Column {
    Column { object: object.into(), metric: metric.into(), kind, unit, exponent }
}

/// Reachability and uptime.
pub(crate) fn system() -> Schema {
    let columns = vec![
        column("", "snmp_up", MetricKind::State, Unit::One, 0),
        column("", "sys_uptime_seconds", MetricKind::Gauge, Unit::Seconds, -2),
    ];
    Schema { group: Group::System, columns }
}

/// Octets and status of one interface.
pub(crate) fn interfaces() -> Schema {
    let columns = vec![
        column("if:1", "if_in_octets_total", MetricKind::Counter64, Unit::Bytes, 0),
        column("if:1", "if_out_octets_total", MetricKind::Counter64, Unit::Bytes, 0),
        column("if:1", "if_oper_status", MetricKind::State, Unit::One, 0),
    ];
    Schema { group: Group::Interfaces, columns }
}

/// A poll of the interfaces at `T0 + second`.
pub(crate) fn counters(device: DeviceId, second: i64, octets: i64) -> Row {
    Row {
        device,
        group: Group::Interfaces,
        schema: interfaces().id(),
        at: Micros(T0 + second * Micros::SECOND),
        cause: None,
        values: vec![Some(octets), Some(octets * 2), Some(1)],
    }
}

/// A poll of the system group.
pub(crate) fn alive(device: DeviceId, second: i64) -> Row {
    Row {
        device,
        group: Group::System,
        schema: system().id(),
        at: Micros(T0 + second * Micros::SECOND),
        cause: None,
        values: vec![Some(1), Some((1_000_000 + second) * 100)],
    }
}

/// Echo requests.
pub(crate) fn ping() -> Schema {
    let columns = vec![column("", "ping_rtt_seconds", MetricKind::Gauge, Unit::Seconds, -6)];
    Schema { group: Group::Ping, columns }
}

/// A poll by echo requests.
pub(crate) fn pinged(device: DeviceId, second: i64) -> Row {
    Row {
        device,
        group: Group::Ping,
        schema: ping().id(),
        at: Micros(T0 + second * Micros::SECOND),
        cause: None,
        values: vec![Some(1200 + second)],
    }
}

fn schema_of(group: Group) -> Schema {
    match group {
        Group::System => system(),
        Group::Ping => ping(),
        _ => interfaces(),
    }
}

/// A batch as it comes over the wire, with its schema.
pub(crate) fn wire(seq: u64, rows: &[Row]) -> Batch {
    let group = rows[0].group;
    let schema = schema_of(group);
    Batch {
        stream_id: STREAM,
        seq,
        class: group.class() as u32,
        codec: Codec::Rows as u32,
        data: Bytes::from(encode_rows(rows).unwrap()),
        schemas: vec![definition::write(&schema)],
        ..Batch::default()
    }
}

/// A batch of [`AGENT`] that has been checked.
pub(crate) fn append(seq: u64, rows: &[Row]) -> Append {
    let Batch { stream_id, seq, data, .. } = wire(seq, rows);
    let group = rows[0].group;
    let schema = schema_of(group);
    let mut uses: Vec<_> = rows.iter().map(|row| (row.device, row.group, row.schema)).collect();
    uses.sort_unstable();
    uses.dedup();
    Append {
        tenant: TENANT,
        agent: AGENT,
        stream: stream_id,
        seq,
        class: group.class(),
        codec: Codec::Rows,
        received: Micros(T0 + 3600 * Micros::SECOND),
        from: rows.iter().map(|row| row.at).min().unwrap(),
        to: rows.iter().map(|row| row.at).max().unwrap(),
        samples: rows.iter().map(|row| u32::try_from(row.values.len()).unwrap()).sum(),
        clock_offset: None,
        hash: content_hash(group.class(), Codec::Rows, &data),
        data,
        sent: None,
        uses,
        schemas: vec![(schema.id(), definition::write(&schema).encode_to_vec())],
        facts: Vec::new(),
    }
}
