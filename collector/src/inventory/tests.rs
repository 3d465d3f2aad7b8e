use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, IdGenerator, SiteId};
use farwatch_common::token::EnrollToken;
use farwatch_proto::v1::{DeviceFacts, InterfaceFacts, InterfaceTable};

use super::agent::{agent_get, agent_rename};
use super::device::{NewDevice, device_create, device_get};
use super::facts::{device_facts_store, interface_table_store};
use super::site::site_create_or_get;
use super::tenant::{tenant_create, tenant_ids};
use super::*;
use crate::identity::Actor;
use crate::identity::token::{TOKEN_LIFE, TokenError, TokenOrigin, token_create, token_redeem};
use crate::store::Database;

const NOW: Micros = Micros(1_800_000_000_000_000);

struct World {
    _dir: tempfile::TempDir,
    db: Database,
    vault: Vault,
    ids: IdGenerator,
    context: TenantContext,
    tenant: TenantId,
    site: SiteId,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(dir.path()).await.unwrap();
        let vault = Vault::open(dir.path()).unwrap();
        let ids = IdGenerator::new(1);
        let nobody = TenantContext::new(Actor::Local, true, []);
        let made = tenant_create(&db, &vault, &nobody, &ids, "North", NOW).await.unwrap();
        let tenants = tenant_ids(&db).await.unwrap();
        let context =
            TenantContext::new(Actor::Local, true, tenants.into_iter().map(|t| (t, Access::Admin)));
        let mut txn = db.write().await.unwrap();
        let site =
            site_create_or_get(&mut txn, &context, &ids, made.id, "Depot", NOW).await.unwrap();
        let again =
            site_create_or_get(&mut txn, &context, &ids, made.id, "Depot", NOW).await.unwrap();
        assert_eq!(site, again);
        txn.commit().await.unwrap();
        Self { _dir: dir, db, vault, ids, context, tenant: made.id, site }
    }

    async fn agent(&self) -> AgentId {
        let id = AgentId(self.ids.next(NOW));
        let mut txn = self.db.write().await.unwrap();
        sqlx::query(
            "INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at)
             VALUES ($1, $2, $3, 'a', 0)",
        )
        .bind(self.tenant.0)
        .bind(id.0)
        .bind(self.site.0)
        .execute(&mut *txn)
        .await
        .unwrap();
        txn.commit().await.unwrap();
        id
    }
}

#[tokio::test]
async fn facts_are_kept_for_the_agents_own_devices_only_and_never_go_back() {
    let world = World::new().await;
    let (ours, other) = (world.agent().await, world.agent().await);
    let new = NewDevice {
        agent: ours,
        name: "r1".into(),
        host: "10.0.0.1".into(),
        port: 161,
        interval_s: 60,
        snmp_version: "v2c",
        community: "public".into(),
    };
    let device = device_create(&world.db, &world.vault, &world.context, &world.ids, &new, NOW)
        .await
        .unwrap();
    let facts = |name: &str| DeviceFacts {
        device_id: device.id.0,
        sys_name: name.into(),
        sys_descr: format!("{}\0ü", "x".repeat(1023)),
        ..DeviceFacts::default()
    };
    let table = |names: &[&str]| InterfaceTable {
        device_id: device.id.0,
        interfaces: names
            .iter()
            .zip(1..)
            .map(|(name, index)| InterfaceFacts {
                index,
                name: (*name).into(),
                ..InterfaceFacts::default()
            })
            .collect(),
    };
    let mut txn = world.db.write().await.unwrap();
    let tenant = world.tenant;
    let later = Micros(NOW.0 + 1);
    assert!(device_facts_store(&mut txn, tenant, ours, &facts("new"), later).await.unwrap());
    assert!(device_facts_store(&mut txn, tenant, ours, &facts("old"), NOW).await.unwrap());
    assert!(!device_facts_store(&mut txn, tenant, other, &facts("evil"), later).await.unwrap());
    let stranger = TenantId(tenant.0 + 1);
    assert!(!device_facts_store(&mut txn, stranger, ours, &facts("evil"), later).await.unwrap());
    for (agent, names, at, stored) in [
        (ours, &["a", "b", "c"][..], NOW, true),
        (ours, &["x", "y"], later, true),
        (ours, &["old"], NOW, true),
        (other, &["evil"], later, false),
    ] {
        let done = interface_table_store(&mut txn, tenant, agent, &table(names), at).await.unwrap();
        assert_eq!(done, stored, "{names:?}");
    }
    txn.commit().await.unwrap();
    let kept = device_get(&world.db, &world.context, device.id).await.unwrap().facts;
    assert_eq!((kept.sys_name.as_deref(), kept.seen_at), (Some("new"), Some(later)));
    assert_eq!(kept.sys_descr.unwrap(), "x".repeat(1023));
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM interface ORDER BY if_index")
        .fetch_all(world.db.reader())
        .await
        .unwrap();
    assert_eq!(names, ["x", "y"]);
}

#[tokio::test]
async fn a_token_is_good_once_within_a_day_with_its_own_secret() {
    let world = World::new().await;
    let origin = TokenOrigin { root_pin: [7; 32], endpoints: vec!["fw.example:443".into()] };
    let make = async || {
        let target = (world.tenant, "Depot");
        let made = token_create(&world.db, &world.context, &world.ids, target, &origin, NOW)
            .await
            .unwrap();
        assert_eq!((made.site, made.expires_at), (world.site, NOW.after(TOKEN_LIFE)));
        EnrollToken::parse(str::from_utf8(made.text.expose()).unwrap()).unwrap()
    };
    let token = make().await;
    assert_eq!((token.root_pin, &token.endpoints), ([7; 32], &origin.endpoints));
    let redeem = async |id: &[u8], secret: &[u8], at, keep: bool| {
        let mut txn = world.db.write().await.unwrap();
        let answer = token_redeem(&mut txn, id, secret, at).await;
        if keep {
            txn.commit().await.unwrap();
        }
        answer
    };
    let secret = token.secret.expose();
    let refused = |answer| matches!(answer, Err(TokenError::Refused));
    assert!(refused(redeem(&[9; 16], secret, NOW, true).await), "unknown");
    assert!(refused(redeem(&token.id, &[9; 32], NOW, true).await), "wrong secret");
    assert!(refused(redeem(&token.id, secret, NOW.after(TOKEN_LIFE), true).await), "expired");
    // An enrolment that fails leaves the token good.
    assert!(redeem(&token.id, secret, NOW, false).await.is_ok());
    let place = redeem(&token.id, secret, NOW, true).await.unwrap();
    assert_eq!(place, (world.tenant, world.site));
    assert!(refused(redeem(&token.id, secret, NOW, true).await), "used");
    assert!(redeem(&make().await.id, secret, NOW, true).await.is_err(), "another's secret");
}

#[tokio::test]
async fn only_those_who_see_all_make_tenants_and_names_are_unique() {
    let World { db, vault, ids, context, tenant, .. } = &World::new().await;
    let admin = TenantContext::new(Actor::Local, false, [(*tenant, Access::Admin)]);
    let denied = tenant_create(db, vault, &admin, ids, "South", NOW).await.unwrap_err();
    assert!(matches!(denied, InventoryError::Denied));
    let twice = tenant_create(db, vault, context, ids, "North", NOW).await.unwrap_err();
    assert!(matches!(twice, InventoryError::Exists));
}

/// As the command line does beside a collector that serves.
#[tokio::test]
async fn two_processes_write_the_same_database() {
    let world = World::new().await;
    let beside = Database::open(world._dir.path()).await.unwrap();
    let ids = IdGenerator::new(2);
    for number in 0..5 {
        let name = format!("T{number}");
        for (db, ids, name) in [(&world.db, &world.ids, format!("a {name}")), (&beside, &ids, name)]
        {
            tenant_create(db, &world.vault, &world.context, ids, &name, NOW).await.unwrap();
        }
    }
    beside.close().await;
    assert_eq!(tenant_ids(&world.db).await.unwrap().len(), 11);
}

#[tokio::test]
async fn an_agent_is_renamed_by_those_who_may_write() {
    let world = World::new().await;
    let agent = world.agent().await;
    agent_rename(&world.db, &world.context, agent, "Cellar").await.unwrap();
    let named = agent_get(&world.db, &world.context, agent).await.unwrap();
    assert_eq!(named.name, "Cellar");
    let viewer = TenantContext::new(Actor::Local, false, [(world.tenant, Access::Read)]);
    let denied = agent_rename(&world.db, &viewer, agent, "x").await.unwrap_err();
    assert!(matches!(denied, InventoryError::Denied));
    let stranger = TenantContext::new(Actor::Local, false, []);
    let unknown = agent_rename(&world.db, &stranger, agent, "x").await.unwrap_err();
    assert!(matches!(unknown, InventoryError::NotFound));
}

#[test]
fn names_can_be_shown() {
    for (name, good) in
        [("North", true), ("Süd 7", true), ("", false), (" x", false), ("a\nb", false)]
    {
        assert_eq!(is_name(name), good, "{name:?}");
    }
    assert!(!is_name(&"x".repeat(NAME_CHARS_MAX + 1)));
}
