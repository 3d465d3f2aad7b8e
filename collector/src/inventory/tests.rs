mod bulk;
mod changes;
mod engines;
mod keys;
mod users;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, IdGenerator, SiteId};
use farwatch_common::token::EnrollToken;

use super::agent::agent_create;
use super::assignment::{assignment_for, assignment_outgrow};
use super::device::tag::Tags;
use super::device::{Manner, NewDevice, SNMP_PORT, device_create};
use super::site::site_create_or_get;
use super::tenant::tenant_create;
use super::*;
use crate::identity::api_key::{Scope, api_key_create, api_key_list};
use crate::identity::token::{TOKEN_LIFE, TokenError, TokenOrigin, token_create, token_redeem};
use crate::identity::{Actor, IdentityKey};
use crate::store::Database;
use crate::store::sql::{Sql, sql};

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
        let nobody = TenantContext::local(&db).await.unwrap();
        let made = tenant_create(&db, &vault, &nobody, &ids, "North", NOW).await.unwrap();
        let context = TenantContext::local(&db).await.unwrap();
        let mut txn = db.change(&context, made.id, Access::Write).await.unwrap();
        let (site, change) =
            site_create_or_get(&mut txn, &context, &ids, made.id, "Depot", NOW).await.unwrap();
        assert!(change.is_some());
        let again =
            site_create_or_get(&mut txn, &context, &ids, made.id, "Depot", NOW).await.unwrap();
        assert_eq!(again, (site.clone(), None));
        txn.commit([], NOW).await.unwrap();
        Self { _dir: dir, db, vault, ids, context, tenant: made.id, site: site.id }
    }

    async fn agent(&self) -> AgentId {
        let id = AgentId(self.ids.next(NOW));
        let mut txn = self.db.change(&self.context, self.tenant, Access::Write).await.unwrap();
        agent_create(&mut txn, (self.tenant, self.site, id), "a", NOW).await.unwrap();
        txn.commit([], NOW).await.unwrap();
        id
    }
}

fn depot(id: SiteId) -> Named<SiteId> {
    Named { id, name: "Depot".to_owned() }
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
        assert_eq!((made.site, made.expires_at), (depot(world.site), NOW.after(TOKEN_LIFE)));
        EnrollToken::parse(str::from_utf8(made.text.expose()).unwrap()).unwrap()
    };
    let token = make().await;
    assert_eq!((token.root_pin, &token.endpoints), ([7; 32], &origin.endpoints));
    let redeem = async |id: &[u8], secret: &[u8], at, keep: bool| {
        let mut txn = world.db.identity(IdentityKey::of_a_test()).await.unwrap();
        let answer = token_redeem(&mut txn, id, secret, AgentId(1), at).await;
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

/// Runs a statement that makes rows of the tenant from the numbers of `n`.
async fn fill(world: &World, statement: &'static Sql, at: Micros) {
    let mut txn = world.db.identity(IdentityKey::of_a_test()).await.unwrap();
    statement.bind(world.tenant).bind(world.site).bind(at).execute(&mut txn).await.unwrap();
    txn.commit().await.unwrap();
}

macro_rules! numbers {
    ($last:literal, $insert:literal) => {
        concat!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ",
            $last,
            ") ",
            $insert
        )
    };
}
use numbers;

sql! { TOKENS = numbers!(
    "1000",
    "INSERT INTO enroll_token SELECT i, $1, $2, x'00', 0, $3, NULL, NULL FROM n"
) }
sql! { KEYS = numbers!(
    "1000",
    "INSERT INTO api_key (api_key_id, tenant_id, name, secret_hash, scopes, created_by,
                          created_at, expires_at)
     SELECT i, $1, 'k', x'00', 'read', $2, 0, $3 FROM n"
) }
sql! { SITES = numbers!(
    "9999",
    "INSERT INTO site SELECT $1, i, 'site ' || i, $2 + $3 FROM n WHERE i <> $2"
) }
sql! { SPOIL_CREDENTIAL = "UPDATE credential SET sealed = zeroblob(40) WHERE device_id = $1" }
sql! { SPOIL_KEYS = "UPDATE tenant_key SET wrapped_key = zeroblob(40) WHERE $1 > 0" }
sql! { OPEN_TOKENS = "SELECT COUNT(*) FROM enroll_token" }

fn is_full<T: std::fmt::Debug>(answer: Result<T, InventoryError>) -> bool {
    matches!(answer, Err(InventoryError::Full { .. }))
}

#[tokio::test]
async fn open_tokens_are_bounded_and_old_ones_go() {
    let world = World::new().await;
    fill(&world, &TOKENS, NOW.after(TOKEN_LIFE)).await;
    let origin = TokenOrigin { root_pin: [7; 32], endpoints: Vec::new() };
    let make = async |at| {
        let target = (world.tenant, "Depot");
        let made = token_create(&world.db, &world.context, &world.ids, target, &origin, at).await;
        made.map(|_| ()).map_err(|error| match error {
            TokenError::Inventory(error) => error,
            error => panic!("{error}"),
        })
    };
    assert!(is_full(make(NOW).await));
    make(NOW.after(TOKEN_LIFE)).await.unwrap();
    make(NOW.after(TOKEN_LIFE * 2)).await.unwrap();
    let mut txn = world.db.identity_read(IdentityKey::of_a_test()).await.unwrap();
    assert_eq!(OPEN_TOKENS.query().scalar::<i64>(&mut txn).await.unwrap(), 2);
}

#[tokio::test]
async fn good_keys_are_bounded_and_old_ones_go() {
    let world = World::new().await;
    let day = TOKEN_LIFE;
    fill(&world, &KEYS, NOW.after(day)).await;
    let make = async |at| {
        let target = (world.tenant, "key");
        let wanted = (&[Scope::Read][..], 365);
        api_key_create(&world.db, &world.context, &world.ids, target, wanted, at).await.map(|_| ())
    };
    assert!(is_full(make(NOW).await));
    make(NOW.after(day)).await.unwrap();
    make(NOW.after(day * 31)).await.unwrap();
    let page = Page { after: None, limit: 10 };
    assert_eq!(api_key_list(&world.db, &world.context, &page).await.unwrap().total, 2);
}

#[tokio::test]
async fn sites_are_bounded_and_known_ones_stay() {
    let world = World::new().await;
    fill(&world, &SITES, Micros(0)).await;
    let World { db, context, ids, tenant, site, .. } = &world;
    let mut txn = db.change(context, *tenant, Access::Write).await.unwrap();
    let known = site_create_or_get(&mut txn, context, ids, *tenant, "Depot", NOW).await;
    assert_eq!(known.unwrap(), (depot(*site), None));
    assert!(is_full(site_create_or_get(&mut txn, context, ids, *tenant, "New", NOW).await));
}

#[tokio::test]
async fn only_those_who_see_all_make_tenants_and_names_are_unique() {
    let World { db, vault, ids, context, tenant, .. } = &World::new().await;
    let admin = TenantContext::of(Actor::Local, false, [(*tenant, Access::Admin)]);
    let denied = tenant_create(db, vault, &admin, ids, "South", NOW).await.unwrap_err();
    assert!(matches!(denied, InventoryError::Denied));
    let twice = tenant_create(db, vault, context, ids, "North", NOW).await.unwrap_err();
    assert!(matches!(twice, InventoryError::Exists { .. }));
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
    assert_eq!(TenantContext::local(&world.db).await.unwrap().tenants().count(), 11);
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

#[tokio::test]
async fn a_damaged_credential_costs_its_own_device_only() {
    let world = World::new().await;
    let agent = world.agent().await;
    let World { db, vault, ids, context, tenant, .. } = &world;
    let mut made = Vec::new();
    for host in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        let new = NewDevice {
            agent,
            name: host.to_owned(),
            named: true,
            host: host.to_owned(),
            port: SNMP_PORT,
            interval_s: 60,
            snmp_version: "v2c",
            credential: Some("a-secret-community".into()),
            manner: Manner::default(),
            tags: Tags::new(),
        };
        made.push(device_create(db, vault, context, ids, &new, NOW).await.unwrap().id);
    }
    let damage = async |statement: &'static Sql, device: i64| {
        let mut txn = db.identity(IdentityKey::of_a_test()).await.unwrap();
        statement.bind(device).execute(&mut txn).await.unwrap();
        txn.commit().await.unwrap();
    };
    damage(&SPOIL_CREDENTIAL, made[1].0).await;
    let (assignment, left_out) =
        assignment_for(db, vault, context, (*tenant, agent)).await.unwrap();
    assert_eq!(left_out, [made[1]]);
    // It is pinged like any other.
    let sent = assignment.devices.iter().map(|device| (device.device_id, device.snmp.is_some()));
    let expected = [(made[0].0, true), (made[1].0, false), (made[2].0, true)];
    assert_eq!(sent.collect::<Vec<_>>(), expected);
    // Without the tenant's key nothing is pushed: the agent keeps what it has.
    damage(&SPOIL_KEYS, 1).await;
    assert!(assignment_for(db, vault, context, (*tenant, agent)).await.is_err());
}

#[tokio::test]
async fn a_revision_outgrows_the_one_an_agent_kept_from_before_a_restore() {
    let world = World::new().await;
    let agent = world.agent().await;
    let World { db, vault, context, tenant, .. } = &world;
    let revision =
        async || assignment_for(db, vault, context, (*tenant, agent)).await.unwrap().0.revision;
    assert!(assignment_outgrow(db, context, (*tenant, agent), 41, NOW).await.unwrap());
    assert_eq!(revision().await, 42);
    assert!(!assignment_outgrow(db, context, (*tenant, agent), 7, NOW).await.unwrap());
    assert!(!assignment_outgrow(db, context, (*tenant, agent), u64::MAX, NOW).await.unwrap());
    assert_eq!(revision().await, 42);
}
