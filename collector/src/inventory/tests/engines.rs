//! Identity and inventory on both engines, each statement under the role it runs with.

use super::*;
use crate::audit::Origin;
use crate::identity::agent_key::{agent_key_admit, agent_key_find};
use crate::identity::api_key::{api_key_get, api_key_revoke, api_key_touch};
use crate::identity::session::{
    Browser, session_create, session_delete, session_get, session_key, session_touch,
};
use crate::identity::user::{Role, account_by_email, user_context, user_create};
use crate::inventory::agent::{agent_get, agent_list, agent_revoke};
use crate::inventory::device::credential::{InForce, credential_in_force};
use crate::inventory::device::{DeviceFilter, DeviceOrder, device_delete, device_get, device_list};
use crate::inventory::site::{site_get, site_list};
use crate::inventory::tenant::{tenant_by_name, tenant_list};
pub(super) use crate::store::fixture::scratch::Scratch;
use crate::store::txn::Scope as Acting;
use farwatch_common::id::DeviceId;
use farwatch_common::transport::Carrier;

const PAGE: Page = Page { after: None, limit: 10 };
const KEY: [u8; 32] = [7; 32];

/// A collector's database with two tenants.
pub(super) struct Place<'a> {
    pub(super) db: &'a Database,
    pub(super) vault: Vault,
    pub(super) ids: IdGenerator,
    pub(super) north: TenantId,
    pub(super) south: TenantId,
    pub(super) all: TenantContext,
}

impl<'a> Place<'a> {
    pub(super) async fn new(db: &'a Database, dir: &tempfile::TempDir) -> Self {
        let (vault, ids) = (Vault::open(dir.path()).unwrap(), IdGenerator::new(1));
        let context = TenantContext::local(db).await.unwrap();
        let make = async |name| tenant_create(db, &vault, &context, &ids, name, NOW).await;
        let (north, south) = (make("North").await.unwrap().id, make("South").await.unwrap().id);
        assert!(matches!(make("North").await, Err(InventoryError::Exists { .. })));
        let all = TenantContext::local(db).await.unwrap();
        assert_eq!(all.tenants().collect::<Vec<_>>(), [north, south]);
        Self { db, vault, ids, north, south, all }
    }

    async fn token(&self) -> EnrollToken {
        let origin = TokenOrigin { root_pin: [7; 32], endpoints: Vec::new() };
        let target = (self.north, "Depot");
        let made = token_create(self.db, &self.all, &self.ids, target, &origin, NOW).await;
        EnrollToken::parse(str::from_utf8(made.unwrap().text.expose()).unwrap()).unwrap()
    }

    /// As `enroll` does.
    pub(super) async fn agent(&self, key: [u8; 32]) -> AgentId {
        let (token, agent) = (self.token().await, AgentId(self.ids.next(NOW)));
        let mut txn = self.db.identity(IdentityKey::of_a_test()).await.unwrap();
        let redeemed = token_redeem(&mut txn, &token.id, token.secret.expose(), agent, NOW).await;
        let (tenant, site) = redeemed.unwrap();
        txn.switch(IdentityKey::of_a_test(), Acting::app(tenant)).await.unwrap();
        agent_create(&mut txn, (tenant, site, agent), r"a\b_%", NOW).await.unwrap();
        txn.switch(IdentityKey::of_a_test(), Acting::identity()).await.unwrap();
        let until = NOW.after(TOKEN_LIFE);
        assert!(agent_key_admit(&mut txn, (tenant, agent), &key, until, NOW).await.unwrap());
        txn.commit().await.unwrap();
        agent
    }

    pub(super) fn new_device(&self, agent: AgentId, host: &str) -> NewDevice {
        NewDevice {
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
        }
    }

    pub(super) async fn device(
        &self,
        agent: AgentId,
        host: &str,
    ) -> Result<device::Device, InventoryError> {
        let new = self.new_device(agent, host);
        device_create(self.db, &self.vault, &self.all, &self.ids, &new, NOW).await
    }

    /// Which credential a device is asked with; nothing is damaged.
    pub(super) async fn in_force(&self, id: DeviceId) -> InForce {
        let found = credential_in_force(self.db, &self.vault, &self.all, id).await.unwrap();
        assert!(!found.1, "{:?} cannot be read", found.0);
        found.0
    }

    /// How many rows the audit of the tenant has.
    pub(super) async fn audit_rows(&self) -> i64 {
        let mut txn = self.db.change(&self.all, self.north, Access::Write).await.unwrap();
        let head = crate::audit::write::LOCK.bind(self.north).bind(&[][..]);
        head.one(&mut txn).await.unwrap().get(0).unwrap()
    }
}

async fn people_sign_in(place: &Place<'_>) {
    let Place { db, ids, north, south, all: local, .. } = place;
    let make = async |email, role, tenant| {
        user_create(db, local, ids, email, "hash", (role, tenant), NOW).await.unwrap()
    };
    let admin = make("noc@example.net", Role::TenantAdmin, Some(*north)).await;
    let all = make("all@example.net", Role::SuperAdmin, None).await;
    let account = account_by_email(db, "noc@example.net").await.unwrap().unwrap();
    assert_eq!((account.id, account.password_hash.as_str()), (admin, "hash"));
    let (_, context) = user_context(db, all, NOW).await.unwrap().unwrap();
    assert_eq!(context.tenants().collect::<Vec<_>>(), [*north, *south]);
    let (user, context) = user_context(db, admin, NOW).await.unwrap().unwrap();
    let signed_in = (&user, &context);
    let first = session_create(db, ids, signed_in, "hash", &Browser::default(), NOW).await;
    let before = session_key(first.unwrap().unwrap().expose());
    let browser = Browser { before: Some(before), agent: "Browser".to_owned() };
    let other = session_create(db, ids, signed_in, "another", &browser, NOW).await.unwrap();
    assert!(other.is_none(), "the password was changed meanwhile");
    let token = session_create(db, ids, signed_in, "hash", &browser, NOW).await.unwrap();
    let key = session_key(token.unwrap().expose());
    let later = NOW.after(crate::identity::NOTE_EVERY);
    session_touch(db, key, later).await.unwrap();
    let session = session_get(db, key, later).await.unwrap().unwrap();
    assert_eq!(session.context.tenants().collect::<Vec<_>>(), [*north]);
    assert_eq!((session.user.role, session.last_used_at), (Role::TenantAdmin, later));
    session_delete(db, &session, Origin::default(), NOW).await.unwrap();
    for key in [before, key] {
        assert!(session_get(db, key, later).await.unwrap().is_none());
    }
}

async fn keys_are_made_and_end(place: &Place<'_>) {
    let Place { db, ids, north, all, .. } = place;
    let target = (*north, "key");
    let wanted = (&[Scope::Read, Scope::Write][..], 30);
    let (text, id, _) = api_key_create(db, all, ids, target, wanted, NOW).await.unwrap();
    let text = str::from_utf8(text.expose()).unwrap();
    api_key_touch(db, id, NOW).await.unwrap();
    let known = api_key_get(db, text, NOW).await.unwrap().unwrap();
    assert_eq!((known.id, known.last_used_at), (id, NOW));
    assert!(known.context.may(*north, Access::Write));
    let listed = api_key_list(db, all, &PAGE).await.unwrap();
    assert_eq!((listed.total, listed.rows[0].id, listed.rows[0].tenant.id), (1, id, *north));
    let stranger = all.narrowed(place.south);
    let missed = api_key_revoke(db, &stranger, id, NOW).await;
    assert!(matches!(missed, Err(InventoryError::NotFound)));
    api_key_revoke(db, all, id, NOW).await.unwrap();
    assert!(api_key_get(db, text, NOW).await.unwrap().is_none());
}

async fn devices_come_and_go(place: &Place<'_>) {
    let Place { db, vault, north, south, all, .. } = place;
    let (agent, namesake) = (place.agent(KEY).await, place.agent([8; 32]).await);
    let ours = (*north, agent);
    assert_eq!(agent_get(db, all, namesake).await.unwrap().name, r"a\b_% 2");
    let known = agent_key_find(db, &KEY, NOW).await.unwrap().unwrap();
    assert_eq!((known.tenant, known.agent), ours);
    let first = place.device(agent, "192.168.88.1").await.unwrap();
    let second = place.device(agent, "192.168.88.2").await.unwrap();
    assert!(matches!(
        place.device(agent, "192.168.88.1").await,
        Err(InventoryError::Exists { .. })
    ));
    let filter = DeviceFilter {
        site: Some(known.site),
        agent: Some(agent),
        search: "88.2".to_owned(),
        tag: None,
        among: Some(vec![first.id, second.id]),
    };
    for order in
        [DeviceOrder::Name, DeviceOrder::NameDown, DeviceOrder::Created, DeviceOrder::CreatedDown]
    {
        let found = device_list(db, all, &filter, order, &PAGE).await.unwrap();
        assert_eq!((found.total, found.rows[0].id), (1, second.id));
        let rest = Page { after: Some(("192.168.88.1".to_owned(), first.id.0)), limit: 1 };
        let any = device_list(db, all, &DeviceFilter::default(), order, &rest).await.unwrap();
        let down = matches!(order, DeviceOrder::NameDown | DeviceOrder::CreatedDown);
        assert_eq!((any.total, any.rows.is_empty()), (2, down));
    }
    let stranger = &all.narrowed(*south);
    let missed = device_get(db, stranger, first.id).await;
    assert!(matches!(missed, Err(InventoryError::NotFound)));
    let remote = crate::identity::Remote::At(([127, 0, 0, 1], 1).into());
    let peer = known.peer(KEY, remote, Carrier::Quic, 1).context();
    let (assignment, left_out) = assignment_for(db, vault, &peer, ours).await.unwrap();
    assert_eq!((assignment.devices.len(), assignment.revision, left_out.len()), (2, 3, 0));
    assert!(assignment_for(db, vault, stranger, ours).await.is_err());
    assert!(assignment_outgrow(db, &peer, ours, 41, NOW).await.unwrap());
    device_delete(db, all, second.id, NOW).await.unwrap();
    let (assignment, _) = assignment_for(db, vault, &peer, ours).await.unwrap();
    assert_eq!((assignment.devices.len(), assignment.revision), (1, 43));
    agent_revoke(db, all, agent, NOW).await.unwrap();
    assert!(agent_key_find(db, &KEY, NOW).await.unwrap().is_none());
    assert!(matches!(place.device(agent, "192.168.88.3").await, Err(InventoryError::Revoked)));
    assert!(assignment_for(db, vault, &peer, ours).await.is_err());
    assert_eq!(device_delete(db, all, first.id, NOW).await.unwrap().id, first.id);
    assert_eq!(agent_list(db, all, &PAGE).await.unwrap().total, 2);
}

async fn tenants_are_told_apart(place: &Place<'_>) {
    let Place { db, north, south, all, .. } = place;
    let sites = site_list(db, all, &PAGE).await.unwrap();
    assert_eq!((sites.total, sites.rows[0].name.as_str()), (1, "Depot"));
    assert_eq!(site_get(db, all, sites.rows[0].id).await.unwrap().tenant.id, *north);
    for (context, tenants, sites) in
        [(all, 2, 1), (&all.narrowed(*south), 1, 0), (&TenantContext::nobody(), 0, 0)]
    {
        assert_eq!(tenant_list(db, context, &PAGE).await.unwrap().total, tenants);
        assert_eq!(site_list(db, context, &PAGE).await.unwrap().total, sites);
        let named = tenant_by_name(db, context, "North").await.unwrap();
        assert_eq!(named, (tenants == 2).then_some(*north));
    }
}

async fn everything(db: &Database) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(db, &dir).await;
    people_sign_in(&place).await;
    keys_are_made_and_end(&place).await;
    devices_come_and_go(&place).await;
    tenants_are_told_apart(&place).await;
}

#[tokio::test]
async fn sqlite_knows_people_keys_and_devices() {
    let dir = tempfile::tempdir().unwrap();
    everything(&Database::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_knows_people_keys_and_devices() {
    let Some(scratch) = Scratch::open().await else { return };
    let db = scratch.database().await;
    everything(&db).await;
    db.close().await;
    scratch.remove().await;
}

/// SQLite has one writer; PostgreSQL lets both begin.
#[tokio::test]
async fn of_two_agents_with_one_token_one_is_admitted() {
    let Some(scratch) = Scratch::open().await else { return };
    let (db, dir) = (scratch.database().await, tempfile::tempdir().unwrap());
    let token = Place::new(&db, &dir).await.token().await;
    let secret = token.secret.expose();
    let mut first = db.identity(IdentityKey::of_a_test()).await.unwrap();
    let mut second = db.identity(IdentityKey::of_a_test()).await.unwrap();
    token_redeem(&mut first, &token.id, secret, AgentId(1), NOW).await.unwrap();
    let first_commits = async {
        let mut superuser = scratch.superuser().await;
        let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut superuser).await.unwrap() {}
        first.commit().await.unwrap();
    };
    let redeemed = token_redeem(&mut second, &token.id, secret, AgentId(2), NOW);
    let (answer, ()) = tokio::join!(redeemed, first_commits);
    assert!(matches!(answer, Err(TokenError::Refused)));
    drop(second);
    db.close().await;
    scratch.remove().await;
}
