//! A collector of two tenants, whose agents are made of the protocol alone.

use std::path::Path;

use farwatch_agent::identity::Credentials;
use farwatch_common::id::DeviceId;
use farwatch_support::http::Client;
use farwatch_support::postgres::{INSTALLED, Postgres, SUPERUSER};
use farwatch_support::stack::{Collector, add_device};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::wire::{Assignments, Wire, enrolled_by};

/// The same in both tenants, as customers' networks are.
const ADDRESS: &str = "192.168.88.1";
/// So long that nothing becomes old while the test runs.
const INTERVAL_S: u32 = 3600;

/// An agent of one tenant, with a device.
pub(super) struct Side {
    pub(super) credentials: Credentials,
    pub(super) wire: Wire,
    pub(super) assignments: Assignments,
    pub(super) device: String,
    pub(super) device_id: DeviceId,
}

pub(super) struct World {
    pub(super) collector: Collector,
    pub(super) client: Client,
    /// Where the agents' identities are.
    pub(super) dir: tempfile::TempDir,
    pub(super) a: Side,
    pub(super) b: Side,
    pub(super) token_of_a: String,
    database: Option<Postgres>,
}

impl World {
    pub(super) async fn start(database: Option<(Postgres, String)>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (database, url) = database.unzip();
        let collector = Collector::start_on(&dir.path().join("collector"), url).await;
        let client = collector.client().await;
        assert!(collector.run(&["tenant", "create", "--name", "Beta"]).status.success());
        let token_of_a = collector.token("Depot");
        let a = Side::join(&collector, &client, &token_of_a, &dir.path().join("a")).await;
        let token = collector.token_of("Beta", "Depot");
        let b = Side::join(&collector, &client, &token, &dir.path().join("b")).await;
        assert_ne!(a.credentials.tenant, b.credentials.tenant);
        Self { collector, client, dir, a, b, token_of_a, database }
    }

    /// All that there is of A's device and stream.
    pub(super) async fn of_a(&self) -> Vec<Value> {
        let device = format!("/api/v1/devices/{}", self.a.device);
        let agent = format!("/api/v1/agents/{}", self.a.credentials.agent);
        let paths = [
            device.clone(),
            format!("{device}/interfaces"),
            format!("{device}/metrics"),
            format!("{device}/samples?metric=if_in_octets_total"),
            format!("{agent}/gaps"),
            format!("{agent}/ledger"),
            format!("/api/v1/devices?tenant={}", self.a.credentials.tenant),
        ];
        let mut seen = Vec::new();
        for path in paths {
            seen.push(self.client.get(&path).await.data());
        }
        let agent = self.client.get(&agent).await.data();
        seen.push(json!([agent["version"], agent["platform"], agent["name"], agent["state"]]));
        seen
    }

    /// A job that A's agent has.
    pub(super) async fn job_of_a(&self, job: i64) {
        let (tenant, device) = (self.a.credentials.tenant.0, self.a.device_id.0);
        let sql = |table: &str, devices: &str| {
            format!(
                "INSERT INTO {table} (tenant_id, job_id, device_id, site_id, agent_id, host, port,
                                      reason, state, created_at, started_at)
                 SELECT tenant_id, {job}, device_id, site_id, agent_id, host, 22, 'manual',
                        'running', 0, 0
                 FROM {devices} WHERE tenant_id = {tenant} AND device_id = {device}"
            )
        };
        let Some(database) = &self.database else {
            let file = self.collector.data_dir.join("farwatch.db");
            let db = rusqlite::Connection::open(file).unwrap();
            assert_eq!(db.execute(&sql("config_job", "device"), ()).unwrap(), 1);
            return;
        };
        let url = database.url(SUPERUSER, INSTALLED);
        let mut superuser = PgConnection::connect(&url).await.unwrap();
        let made = sqlx::AssertSqlSafe(sql("farwatch.config_job", "farwatch.device"));
        let made = sqlx::query(made).execute(&mut superuser).await.unwrap();
        assert_eq!(made.rows_affected(), 1);
    }

    /// Tables that have A's device or agent under B's tenant.
    pub(super) async fn strays(&self) -> Vec<String> {
        let (device, agent) = (self.a.device_id.0, self.a.credentials.agent.0);
        let mut strays = self.strays_by("device_id", device).await;
        strays.extend(self.strays_by("agent_id", agent).await);
        strays
    }

    async fn strays_by(&self, column: &str, id: i64) -> Vec<String> {
        let tenant = self.b.credentials.tenant.0;
        let count = |table: &str| {
            format!("SELECT count(*) FROM {table} WHERE {column} = $1 AND tenant_id = $2")
        };
        let mut strays = Vec::new();
        let Some(database) = &self.database else {
            let file = self.collector.data_dir.join("farwatch.db");
            let db = rusqlite::Connection::open(file).unwrap();
            let tables = "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND c.name IN ($1, 'tenant_id')
                 GROUP BY m.name HAVING count(*) = 2";
            let mut tables = db.prepare(tables).unwrap();
            let tables = tables.query_map([column], |row| row.get(0)).unwrap();
            let tables: Vec<String> = tables.collect::<Result<_, _>>().unwrap();
            assert!(tables.len() > 3, "{tables:?}");
            for table in tables {
                let found: i64 =
                    db.query_row(&count(&table), (id, tenant), |row| row.get(0)).unwrap();
                strays.extend((found > 0).then_some(table));
            }
            return strays;
        };
        let url = database.url(SUPERUSER, INSTALLED);
        let mut superuser = PgConnection::connect(&url).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = 'farwatch' AND column_name IN ($1, 'tenant_id')
             GROUP BY table_name HAVING count(*) = 2";
        let tables: Vec<String> =
            sqlx::query_scalar(tables).bind(column).fetch_all(&mut superuser).await.unwrap();
        assert!(tables.len() > 3, "{tables:?}");
        for table in tables {
            let count = sqlx::AssertSqlSafe(count(&format!("farwatch.{table}")));
            let found: i64 = sqlx::query_scalar(count)
                .bind(id)
                .bind(tenant)
                .fetch_one(&mut superuser)
                .await
                .unwrap();
            strays.extend((found > 0).then_some(table));
        }
        strays
    }
}

impl Side {
    async fn join(collector: &Collector, client: &Client, token: &str, dir: &Path) -> Self {
        let credentials = enrolled_by(token, dir).await;
        let wire = Wire::dial(collector, &credentials).await;
        let mut assignments = wire.assignments();
        let agent = credentials.agent.to_string();
        let device = add_device(client, &agent, ADDRESS, INTERVAL_S).await;
        let device_id: DeviceId = device.parse().unwrap();
        // The first may have come before the device.
        loop {
            let devices = assignments.next().await.devices;
            assert!(devices.iter().all(|device| device.device_id == device_id.0), "{devices:?}");
            if !devices.is_empty() {
                break;
            }
        }
        Self { credentials, wire, assignments, device, device_id }
    }
}
