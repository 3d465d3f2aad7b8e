//! Agents that a collector admits, written straight into its database: enrolling thousands takes longer than what
//! is measured, and is limited by address.

use farwatch_agent::identity::Credentials;
use farwatch_collector::identity::pki::Pki;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, SiteId, TenantId};
use farwatch_common::tls;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;

use super::Identity;
use crate::faults::{Engine, Ground};
use crate::stack::Collector;

const DEVICES_EACH: i64 = 2;
/// No id that a collector gives is as small.
const FIRST_AGENT: i64 = 1_000;
const FIRST_DEVICE: i64 = 1_000_000;
/// Which rows are of its agents: ids of a collector's own are far greater.
pub const OF_HERD: &str = "agent_id BETWEEN 1000 AND 999999";
/// Rows of one statement.
const TOGETHER: usize = 500;

/// So many agents of the tenant "Acme", with two devices each, at one site. The collector is restarted.
pub async fn admit(ground: &Ground, collector: &mut Collector, count: usize) -> Vec<Identity> {
    let client = collector.client().await;
    let tenant = client.get("/api/v1/tenants").await.data()[0]["id"].clone();
    let site = client.post("/api/v1/sites", &json!({ "tenant": tenant, "name": "Herd" })).await;
    let site: SiteId = site.data()["id"].as_str().unwrap().parse().unwrap();
    let tenant: TenantId = tenant.as_str().unwrap().parse().unwrap();
    collector.stop().await;
    let now = Clock::system().now();
    let pki = Pki::open(&collector.data_dir, now).unwrap();
    let (mut agents, mut keys, mut devices) = (Vec::new(), Vec::new(), Vec::new());
    let mut identities = Vec::with_capacity(count);
    for number in (0i64..).take(count) {
        let agent = AgentId(FIRST_AGENT + number);
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap();
        let issued = pki.issue_agent(csr.der(), tenant, agent, now).unwrap();
        agents.push(format!("({},{},{},'herd-{number:04}',{})", tenant.0, agent.0, site.0, now.0));
        let hash = blob(ground.engine, &issued.key_hash);
        keys.push(format!("({hash},{},{},{},{})", tenant.0, agent.0, issued.not_after.0, now.0));
        let of_agent = (0..DEVICES_EACH).map(|at| FIRST_DEVICE + number * DEVICES_EACH + at);
        let of_agent: Vec<_> = of_agent.map(DeviceId).collect();
        for device in &of_agent {
            devices.push(format!(
                "({},{},{},{},'herd-{}','192.0.2.{}',161,60,'v2c',{})",
                tenant.0,
                device.0,
                site.0,
                agent.0,
                device.0,
                device.0 % DEVICES_EACH + 1,
                now.0
            ));
        }
        let credentials = Credentials {
            tenant,
            site,
            agent,
            name: format!("herd-{number:04}"),
            identity: tls::Identity {
                chain: issued.chain,
                key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            },
            root: pki.root().clone(),
            collectors: vec![collector.listen.to_string()],
            not_after: issued.not_after,
            renew_after: issued.renew_after,
            passed: Micros(0),
        };
        identities.push(Identity { credentials, devices: of_agent });
    }
    let tables = [
        ("agent (tenant_id, agent_id, site_id, name, created_at)", agents),
        ("agent_key (key_hash, tenant_id, agent_id, not_after, created_at)", keys),
        (
            "device (tenant_id, device_id, site_id, agent_id, name, host, port, interval_s, \
             snmp_version, created_at)",
            devices,
        ),
    ];
    for (into, rows) in tables {
        for some in rows.chunks(TOGETHER) {
            ground.run_sql(&format!("INSERT INTO {into} VALUES {}", some.join(","))).await;
        }
    }
    collector.restart().await;
    identities
}

fn blob(engine: Engine, bytes: &[u8]) -> String {
    let hex = data_encoding::HEXLOWER.encode(bytes);
    match engine {
        Engine::Sqlite => format!("X'{hex}'"),
        Engine::Postgres => format!("'\\x{hex}'::bytea"),
    }
}
