//! The agent of another tenant: every method of the protocol, called by tenant B's agent with the
//! ids of tenant A, is answered as with ids that nobody has; nothing of A changes, nothing of A is
//! told, and the same call by A's agent is taken.

mod telemetry;
mod world;

use farwatch_agent::identity;
use farwatch_agent::uplink::Proxies;
use farwatch_common::id::DeviceId;
use farwatch_common::token::EnrollToken;
use farwatch_common::transport::{PipeKind, channel};
use farwatch_proto::FILE_DESCRIPTORS;
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use farwatch_proto::v1::{
    Assignment, Command, DeviceAssignment, DrainNotice, MeasurePart, PingRequest, PollNow,
    RenewRequest, SessionHello, SnapshotPart, command,
};
use farwatch_support::postgres::Durability;
use farwatch_support::process::eventually;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use rcgen::string::Ia5String;
use rcgen::{CertificateParams, KeyPair, SanType};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use self::telemetry::telemetry;
use self::world::{Side, World};
use crate::postgres::installed;
use crate::wire::{Wire, enrolled_by};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
/// Nobody's.
pub(super) const NOBODYS_DEVICE: DeviceId = DeviceId(0x0123_4567_89ab_cdef);

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
            "farwatch.v1.Uplink/Measure" => measurement(&mut world).await,
            "farwatch.v1.Uplink/Snapshot" => snapshot(&mut world).await,
            "farwatch.v1.AgentControl/ApplyAssignment" => assignment(&mut world).await,
            "farwatch.v1.AgentControl/Ping"
            | "farwatch.v1.AgentControl/Drain"
            | "farwatch.v1.AgentControl/Run" => command(&world, method).await,
            other => panic!("`{other}` has no recipe: say how B's agent calls it with A's ids"),
        }
    }
    assert!(methods.len() >= 9, "{methods:?}");
    nothing_strayed(&mut world).await;
    println!("called {} methods of the protocol with another tenant's ids", methods.len());
}

/// Whatever was called, no row of A's agent or device is B's: nor of what is written down seconds later.
async fn nothing_strayed(world: &mut World) {
    // A session asks so often and no more.
    world.client = world.collector.client().await;
    for side in [&world.a, &world.b] {
        let links = format!("/api/v1/agents/{}/links", side.credentials.agent);
        eventually(LIMIT, "its sessions are written down", async || {
            !world.client.get(&links).await.data().as_array().unwrap().is_empty()
        })
        .await;
    }
    assert_eq!(world.strays().await, Vec::<String>::new());
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
        told.push(
            identity::enroll(&dir, token, None, &Proxies::Environment, false)
                .await
                .unwrap_err()
                .to_string(),
        );
    }
    assert!(told[0].contains("unknown, used or expired"), "{told:?}");
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    assert_eq!(agents().await, before);
    std::fs::create_dir_all(&dir).unwrap();
    let joined = identity::enroll(&dir, &open, None, &Proxies::Environment, false).await.unwrap();
    assert_eq!(joined.tenant, world.a.credentials.tenant);
}

async fn open_session(world: &mut World) {
    let hello = |text: &str| SessionHello {
        agent_version: text.into(),
        platform: text.into(),
        ..SessionHello::default()
    };
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

/// What an agent measures is counted for itself: it keeps nobody's place, and leaves nothing behind.
async fn measurement(world: &mut World) {
    let before = world.of_a().await;
    let part = MeasurePart { data: vec![0; 1024].into() };
    let (more, parts) = mpsc::channel(1);
    more.send(part.clone()).await.unwrap();
    let (of_a, of_b) = (&mut world.a.wire.client, &mut world.b.wire.client);
    let while_b_measures = async {
        let measured = of_a.measure(tokio_stream::iter([part])).await;
        drop(more);
        measured
    };
    let (b, a) = tokio::join!(of_b.measure(ReceiverStream::new(parts)), while_b_measures);
    for measured in [a, b] {
        assert_eq!(measured.unwrap().into_inner().bytes, 1024);
    }
    assert_eq!(world.of_a().await, before);
}

/// A job is of the agent that has it: another is answered as of one that nobody has.
async fn snapshot(world: &mut World) {
    const JOB_OF_A: i64 = 0x0111_2222_3333_4444;
    world.job_of_a(JOB_OF_A).await;
    // A session asks so often and no more.
    world.client = world.collector.client().await;
    let before = world.of_a().await;
    let part = |job_id: i64, data: &[u8]| SnapshotPart {
        job_id,
        bytes: 5_000,
        hash: vec![7; 32],
        data: data.to_vec(),
        ..SnapshotPart::default()
    };
    let mut told = Vec::new();
    for job in [JOB_OF_A, NOBODYS_DEVICE.0] {
        for part in [part(job, b""), part(job, &[0; 4_096]), part(job, &[0; 5_001])] {
            let refused = world.b.wire.client.snapshot(part).await.unwrap_err();
            told.push((refused.code(), refused.message().to_owned()));
        }
    }
    assert_eq!(told[0].0, tonic::Code::NotFound);
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    assert_eq!(world.of_a().await, before);
    let of_a = &mut world.a.wire.client;
    let kept = of_a.snapshot(part(JOB_OF_A, &[0; 4_096])).await.unwrap().into_inner();
    assert_eq!(kept.next, 4_096);
    assert!(world.strays().await.is_empty());
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

/// The collector alone calls agents: at its own end nobody is served.
async fn command(world: &World, method: &str) {
    for device in [world.a.device_id, NOBODYS_DEVICE] {
        let pipe = channel(world.b.wire.session.clone(), PipeKind::Control).await.unwrap();
        let mut client = AgentControlClient::new(pipe);
        let kind = Some(command::Kind::PollNow(PollNow { device_id: device.0 }));
        let refused = match method.rsplit('/').next().unwrap() {
            "Ping" => client.ping(PingRequest::default()).await.err(),
            "Drain" => client.drain(DrainNotice::default()).await.err(),
            _ => client.run(Command { kind, ..Command::default() }).await.err(),
        };
        assert_eq!(refused.unwrap().code(), tonic::Code::Unimplemented);
    }
}
