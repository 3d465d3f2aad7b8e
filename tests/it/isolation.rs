//! The agent of another tenant: every method of the protocol, called by tenant B's agent with the
//! ids of tenant A, is answered as with ids that nobody has; nothing of A changes, nothing of A is
//! told, and the same call by A's agent is taken.

use std::path::Path;

use farwatch_agent::identity::{self, Credentials};
use farwatch_common::batch::{Codec, encode_events};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Schema, definition};
use farwatch_common::token::EnrollToken;
use farwatch_common::transport::{PipeKind, channel};
use farwatch_proto::FILE_DESCRIPTORS;
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use farwatch_proto::v1::{
    Assignment, Batch, DeviceAssignment, DeviceFacts, Event, Gap, GapReason, InterfaceFacts,
    InterfaceTable, RejectCode, RenewRequest, SchemaDef, SessionHello, event,
};
use farwatch_support::http::Client;
use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER};
use farwatch_support::process::eventually;
use farwatch_support::stack::{Collector, add_device};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, KeyPair, SanType};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::postgres::installed;
use crate::wire::{Assignments, Wire, batch, enrolled_by, row_of, schema_of};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
const STREAM_OF_A: i64 = 1_000_001;
const STREAM_OF_B: i64 = 2_000_002;
/// The same in both tenants, as customers' networks are.
const ADDRESS: &str = "192.168.88.1";
/// So long that nothing becomes old while the test runs.
const INTERVAL_S: u32 = 3600;
/// Nobody's.
const NOBODYS_DEVICE: DeviceId = DeviceId(0x0123_4567_89ab_cdef);

/// An agent of one tenant, with a device.
struct Side {
    credentials: Credentials,
    wire: Wire,
    assignments: Assignments,
    device: String,
    device_id: DeviceId,
}

struct World {
    collector: Collector,
    client: Client,
    /// Where the agents' identities are.
    dir: tempfile::TempDir,
    a: Side,
    b: Side,
    token_of_a: String,
    database: Option<Postgres>,
}

impl World {
    async fn start(database: Option<(Postgres, String)>) -> Self {
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
    async fn of_a(&self) -> Vec<Value> {
        let device = format!("/api/v1/devices/{}", self.a.device);
        let agent = format!("/api/v1/agents/{}", self.a.credentials.agent);
        let paths = [
            device.clone(),
            format!("{device}/interfaces"),
            format!("{device}/metrics"),
            format!("{device}/samples?metric=if_in_octets_total"),
            format!("{agent}/gaps"),
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

    /// Tables that have A's device under B's tenant.
    async fn strays(&self) -> Vec<String> {
        let (device, tenant) = (self.a.device_id.0, self.b.credentials.tenant.0);
        let count = |table: &str| {
            format!("SELECT count(*) FROM {table} WHERE device_id = $1 AND tenant_id = $2")
        };
        let mut strays = Vec::new();
        let Some(database) = &self.database else {
            let file = self.collector.data_dir.join("farwatch.db");
            let db = rusqlite::Connection::open(file).unwrap();
            let tables = "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND c.name IN ('device_id', 'tenant_id')
                 GROUP BY m.name HAVING count(*) = 2";
            let mut tables = db.prepare(tables).unwrap();
            let tables = tables.query_map((), |row| row.get(0)).unwrap();
            let tables: Vec<String> = tables.collect::<Result<_, _>>().unwrap();
            assert!(tables.len() > 3, "{tables:?}");
            for table in tables {
                let found: i64 =
                    db.query_row(&count(&table), (device, tenant), |row| row.get(0)).unwrap();
                strays.extend((found > 0).then_some(table));
            }
            return strays;
        };
        let url = database.url(SUPERUSER, INSTALLED);
        let mut superuser = PgConnection::connect(&url).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.columns
             WHERE table_schema = 'farwatch' AND column_name IN ('device_id', 'tenant_id')
             GROUP BY table_name HAVING count(*) = 2";
        let tables: Vec<String> =
            sqlx::query_scalar(tables).fetch_all(&mut superuser).await.unwrap();
        assert!(tables.len() > 3, "{tables:?}");
        for table in tables {
            let count = sqlx::AssertSqlSafe(count(&format!("farwatch.{table}")));
            let found: i64 = sqlx::query_scalar(count)
                .bind(device)
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

#[tokio::test]
async fn no_method_takes_or_tells_anything_of_another_tenant_on_sqlite() {
    every_method(World::start(None).await).await;
}

#[tokio::test]
async fn no_method_takes_or_tells_anything_of_another_tenant_on_postgresql() {
    let Some(database) = installed(Durability::Lost).await else { return };
    every_method(World::start(Some(database)).await).await;
}

async fn every_method(mut world: World) {
    let methods = methods();
    for method in &methods {
        match method.as_str() {
            "farwatch.v1.Enrollment/Enroll" => enrolment(&world).await,
            "farwatch.v1.Uplink/OpenSession" => open_session(&mut world).await,
            "farwatch.v1.Uplink/Telemetry" => telemetry(&mut world).await,
            "farwatch.v1.Uplink/Renew" => renewal(&mut world).await,
            "farwatch.v1.AgentControl/ApplyAssignment" => assignment(&mut world).await,
            other => panic!("`{other}` has no recipe: say how B's agent calls it with A's ids"),
        }
    }
    assert!(methods.len() >= 5, "{methods:?}");
    println!("called {} methods of the protocol with another tenant's ids", methods.len());
}

/// `PACKAGE.SERVICE/METHOD` of the whole protocol.
fn methods() -> Vec<String> {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTORS).unwrap().file;
    let mut methods = Vec::new();
    for file in &files {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            methods.extend(service.method.iter().map(|one| format!("{name}/{}", one.name())));
        }
    }
    methods
}

/// Who an agent is comes from its certificate: there is nothing in its messages to forge.
#[test]
fn no_message_of_an_agent_names_a_tenant_a_site_or_an_agent() {
    let files = FileDescriptorSet::decode(FILE_DESCRIPTORS).unwrap().file;
    let mut seen = 0;
    for message in files.iter().flat_map(|file| &file.message_type) {
        // The collector's answer.
        if message.name() == "EnrollReply" {
            continue;
        }
        for field in &message.field {
            let name = field.name();
            seen += 1;
            let is_identity = ["tenant", "site", "agent_id"].iter().any(|word| name.contains(word));
            assert!(!is_identity, "{}.{name}", message.name());
        }
    }
    assert!(seen > 50, "{seen}");
}

/// What counts for one token is told of a used one, of one that never was, and of a guess.
async fn enrolment(world: &World) {
    let dir = world.dir.path().join("late");
    let agents = async || {
        let path = format!("/api/v1/agents?tenant={}", world.a.credentials.tenant);
        world.client.get(&path).await.data().as_array().unwrap().len()
    };
    let before = agents().await;
    let used = EnrollToken::parse(&world.token_of_a).unwrap();
    let open = EnrollToken::parse(&world.collector.token("Depot")).unwrap();
    let unknown = EnrollToken { id: [0x5a; 16], ..used.clone() };
    let guess = EnrollToken { id: open.id, ..used.clone() };
    let mut told = Vec::new();
    for token in [&used, &unknown, &guess] {
        told.push(identity::enroll(&dir, token, None, false).await.unwrap_err().to_string());
    }
    assert!(told[0].contains("unknown, used or expired"), "{told:?}");
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    assert_eq!(agents().await, before);
    std::fs::create_dir_all(&dir).unwrap();
    let joined = identity::enroll(&dir, &open, None, false).await.unwrap();
    assert_eq!(joined.tenant, world.a.credentials.tenant);
}

async fn open_session(world: &mut World) {
    let hello = |text: &str| SessionHello { agent_version: text.into(), platform: text.into() };
    let before = world.of_a().await;
    let version = async |world: &World, side: &Side| {
        let path = format!("/api/v1/agents/{}", side.credentials.agent);
        world.client.get(&path).await.data()["version"].clone()
    };
    world.b.wire.client.open_session(hello("b-1")).await.unwrap();
    eventually(LIMIT, "B's version is B's", async || version(world, &world.b).await == "b-1").await;
    assert_eq!(world.of_a().await, before);
    world.a.wire.client.open_session(hello("a-1")).await.unwrap();
    eventually(LIMIT, "A's version is A's", async || version(world, &world.a).await == "a-1").await;
}

/// Ids that B's agent has no business with.
struct Foreign {
    device: DeviceId,
    stream: i64,
    schema: Schema,
}

impl Foreign {
    /// Every way to name them, from `seq` on.
    fn batches(&self, own: &Side, seq: u64, at: Micros) -> Vec<(&'static str, Batch)> {
        let mine = schema_of("if:2");
        let rows = |seq, rows: &[_], schemas| Batch {
            stream_id: STREAM_OF_B,
            schemas,
            ..batch(seq, rows)
        };
        let declared = || vec![definition::write(&mine)];
        let foreign = row_of(&mine, self.device, at, 666);
        let foreign_schema = row_of(&self.schema, own.device_id, at, 666);
        let lying = SchemaDef { schema_id: self.schema.id().0, ..definition::write(&mine) };
        let own_row = row_of(&mine, own.device_id, at, 1);
        let both = [own_row.clone(), foreign.clone()];
        let undeclared = [row_of(&self.schema, self.device, at, 666)];
        vec![
            ("device", rows(seq, std::slice::from_ref(&foreign), declared())),
            ("device and schema", rows(seq + 1, &undeclared, Vec::new())),
            ("schema", rows(seq + 2, &[foreign_schema], Vec::new())),
            ("device among its own", rows(seq + 3, &both, declared())),
            ("schema defined anew", rows(seq + 4, std::slice::from_ref(&own_row), vec![lying])),
            // The next one of A.
            ("stream", Batch { stream_id: self.stream, ..rows(2, &[own_row], declared()) }),
            ("facts", events(STREAM_OF_B, seq + 5, at, self.facts())),
            ("interfaces", events(STREAM_OF_B, seq + 6, at, self.interfaces())),
            ("gap", events(STREAM_OF_B, seq + 7, at, self.gap(at))),
        ]
    }

    fn facts(&self) -> event::Kind {
        let (device_id, sys_name) = (self.device.0, "a-name".to_owned());
        event::Kind::DeviceFacts(DeviceFacts { device_id, sys_name, ..DeviceFacts::default() })
    }

    fn interfaces(&self) -> event::Kind {
        let one = InterfaceFacts { index: 1, name: "a-port".into(), ..InterfaceFacts::default() };
        let interfaces = vec![one];
        event::Kind::InterfaceTable(InterfaceTable { device_id: self.device.0, interfaces })
    }

    fn gap(&self, at: Micros) -> event::Kind {
        event::Kind::Gap(Gap {
            stream_id: self.stream,
            seq_first: 50,
            seq_last: 60,
            from_us: at.0 - 1,
            to_us: at.0,
            class: Class::Counters as u32,
            count: 1,
            reason: GapReason::Crash.into(),
        })
    }

    /// What was answered, without the ids themselves.
    fn told(&self, reject: &farwatch_proto::v1::Reject) -> (RejectCode, String) {
        let schema = format!("{:016x}", self.schema.id().0);
        let detail = reject.detail.replace(&schema, "SCHEMA");
        let detail = detail.replace(&self.schema.id().0.to_string(), "SCHEMA");
        (reject.code(), detail.replace(&self.device.to_string(), "DEVICE"))
    }
}

fn events(stream_id: i64, seq: u64, at: Micros, kind: event::Kind) -> Batch {
    let events = vec![Event { at_us: at.0, kind: Some(kind) }];
    Batch {
        stream_id,
        class: Class::Events as u32,
        codec: Codec::Events as u32,
        data: encode_events(events).unwrap().into(),
        schemas: Vec::new(),
        ..batch(seq, &[])
    }
}

async fn telemetry(world: &mut World) {
    // A range ends before its last moment; what is asked for is all in the past.
    let at = Clock::system().now().before(std::time::Duration::from_secs(10));
    let schema = schema_of("if:1");
    let of_a = |seq, device, value| Batch {
        stream_id: STREAM_OF_A,
        schemas: vec![definition::write(&schema)],
        ..batch(seq, &[row_of(&schema, device, Micros(at.0 + value), value)])
    };
    let device = world.a.device_id;
    assert_eq!(world.a.wire.send(of_a(1, device, 1)).await, None);
    let before = world.of_a().await;
    let ids_of_a = Foreign { device, stream: STREAM_OF_A, schema: schema.clone() };
    let nobodys =
        Foreign { device: NOBODYS_DEVICE, stream: STREAM_OF_A + 1, schema: schema_of("if:99") };
    let mut told = Vec::new();
    for (number, ids) in (1..).zip([&ids_of_a, &nobodys]) {
        let mut answers = Vec::new();
        for (what, batch) in ids.batches(&world.b, number * 100, at) {
            let answer = world.b.wire.answer(batch).await;
            answers.push((what, answer.map_err(|reject| ids.told(&reject))));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1], "A's ids are answered unlike ids that nobody has");
    let refused: Vec<_> = told[0]
        .iter()
        .filter_map(|(what, answer)| Some((*what, answer.as_ref().err()?.0)))
        .collect();
    let expected =
        [("schema", RejectCode::UnknownSchema), ("schema defined anew", RejectCode::Malformed)];
    assert_eq!(refused, expected);
    assert_eq!(world.of_a().await, before, "B's agent changed something of A");
    assert_eq!(world.strays().await, Vec::<String>::new());

    // A's stream stands where A left it.
    assert_eq!(world.a.wire.send(of_a(1, device, 1)).await, None);
    assert_eq!(world.a.wire.send(of_a(2, device, 2)).await, None);
    assert_eq!(world.a.wire.send(of_a(1, device, 3)).await, Some(RejectCode::Fork));
    for (seq, kind) in (3..).zip([ids_of_a.facts(), ids_of_a.interfaces(), ids_of_a.gap(at)]) {
        assert_eq!(world.a.wire.send(events(STREAM_OF_A, seq, at, kind)).await, None);
    }
    let [facts, interfaces, _, samples, gaps, ..] = &world.of_a().await[..] else { panic!() };
    assert_eq!(facts["facts"]["sys_name"], "a-name");
    assert_eq!(interfaces[0]["name"], "a-port");
    assert_eq!(samples.as_array().unwrap().len(), 2, "{samples}");
    assert_eq!(gaps[0]["stream"], STREAM_OF_A.to_string());
}

/// Neither A's key nor A's name gets B's agent a certificate of A.
async fn renewal(world: &mut World) {
    let key = world.a.credentials.identity.key.secret_der();
    let key_of_a = KeyPair::try_from(key).unwrap();
    let request = |params: CertificateParams, key: &KeyPair| RenewRequest {
        csr: params.serialize_request(key).unwrap().der().to_vec(),
    };
    let stolen = request(CertificateParams::default(), &key_of_a);
    let refused = world.b.wire.client.renew(stolen.clone()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(!refused.message().contains(&world.a.credentials.agent.to_string()));
    // As another one of B: an agent renews once a minute.
    let token = world.collector.token_of("Beta", "Depot");
    let other = enrolled_by(&token, &world.dir.path().join("b2")).await;
    let mut wire = Wire::dial(&world.collector, &other).await;
    let agent_of_a = world.a.credentials.agent.to_string();
    let name = format!("spiffe://any/t/{}/a/{agent_of_a}", world.a.credentials.tenant);
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(name).unwrap())];
    params.distinguished_name.push(rcgen::DnType::CommonName, agent_of_a.clone());
    let issued = wire.client.renew(request(params, &KeyPair::generate().unwrap())).await.unwrap();
    let leaf = issued.into_inner().certificate_chain.remove(0);
    let names = |agent: &str| leaf.windows(agent.len()).any(|bytes| bytes == agent.as_bytes());
    assert!(names(&other.agent.to_string()) && !names(&agent_of_a));
    world.a.wire.client.renew(stolen).await.unwrap();
    let again = Wire::dial(&world.collector, &world.a.credentials).await;
    world.a.assignments = again.assignments();
    world.a.wire = again;
    while world.a.assignments.next().await.devices.is_empty() {}
}

/// What is pushed to an agent is its own, and no agent pushes to anybody.
async fn assignment(world: &mut World) {
    for (side, community) in [(&world.a, "of-tenant-a"), (&world.b, "of-tenant-b")] {
        let body = json!({ "community": community }).to_string();
        let path = format!("/api/v1/devices/{}/credential", side.device);
        let answer = world.client.send("PUT", &path, Some(body)).await.unwrap();
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    }
    for (side, community) in [(&mut world.a, "of-tenant-a"), (&mut world.b, "of-tenant-b")] {
        loop {
            let devices = side.assignments.next().await.devices;
            let [device] = &devices[..] else { panic!("{devices:?}") };
            assert_eq!(device.device_id, side.device_id.0);
            if device.snmp.as_ref().unwrap().community == community.as_bytes() {
                break;
            }
        }
    }
    let before = world.of_a().await;
    for device in [world.a.device_id, NOBODYS_DEVICE] {
        let device = DeviceAssignment { device_id: device.0, ..DeviceAssignment::default() };
        let forged = Assignment { revision: 99, devices: vec![device] };
        let pipe = channel(world.b.wire.session.clone(), PipeKind::Control).await.unwrap();
        let refused = AgentControlClient::new(pipe).apply_assignment(forged.clone()).await;
        assert_eq!(refused.unwrap_err().code(), tonic::Code::Unimplemented);
        if let Ok(pipe) = channel(world.b.wire.session.clone(), PipeKind::Reverse).await {
            assert!(AgentControlClient::new(pipe).apply_assignment(forged).await.is_err());
        }
    }
    assert_eq!(world.of_a().await, before);
}
