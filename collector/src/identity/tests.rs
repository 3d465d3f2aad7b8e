//! People, members, grants, sessions and second factors on both engines, each statement under the
//! role it runs with. What the API makes of them, its own tests show.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId, UserId};
use farwatch_common::secret::Secret;

use super::api_key::{Scope, api_key_create, api_key_get};
use super::grant::{GrantFilter, NewGrant, grant_create, grant_end, grant_list};
use super::installation_key::InstallationKeys;
use super::member::{member_add, member_list, member_remove, member_set};
use super::second_factor::{
    FactorError, SEED_LIFE, factor_begin, factor_confirm, factor_remove, factor_remove_of,
    factor_use,
};
use super::session::{
    Browser, session_create, session_end, session_get, session_key, session_list,
};
use super::user::change::{PersonPatch, password_change, password_reset, person_change};
use super::user::delete::account_delete;
use super::user::list::{user_get, user_list};
use super::user::{
    NewPerson, Role, User, UserError, account_by_email, person_create, user_context, user_create,
};
use super::{Access, IdentityKey, TenantContext};
use crate::audit::list::{AuditCursor, AuditFilter, audit_list};
use crate::inventory::tenant::tenant_create;
use crate::inventory::{Page, Vault};
use crate::store::Database;
use crate::store::fixture::scratch::Scratch;

const NOW: Micros = Micros(1_800_000_000_000_000);
const PAGE: Page = Page { after: None, limit: 10 };

struct Place<'a> {
    db: &'a Database,
    dir: tempfile::TempDir,
    ids: IdGenerator,
    north: TenantId,
    south: TenantId,
    all: TenantContext,
}

impl<'a> Place<'a> {
    async fn new(db: &'a Database) -> Self {
        let (dir, ids) = (tempfile::tempdir().unwrap(), IdGenerator::new(1));
        let vault = Vault::open(dir.path()).unwrap();
        let context = TenantContext::local(db).await.unwrap();
        let make = async |name| tenant_create(db, &vault, &context, &ids, name, NOW).await;
        let (north, south) = (make("North").await.unwrap().id, make("South").await.unwrap().id);
        let all = TenantContext::local(db).await.unwrap();
        Self { db, dir, ids, north, south, all }
    }

    async fn user(&self, email: &str, role: Role, tenant: Option<TenantId>) -> UserId {
        let place = (role, tenant);
        user_create(self.db, &self.all, &self.ids, email, "hash", place, NOW).await.unwrap()
    }

    async fn context(&self, id: UserId, now: Micros) -> (User, TenantContext) {
        user_context(self.db, id, now).await.unwrap().unwrap()
    }
}

async fn accounts_change(place: &Place<'_>) {
    let Place { db, all, north, south, .. } = place;
    let root = place.user("root@example.net", Role::SuperAdmin, None).await;
    let admin = place.user("admin@example.net", Role::TenantAdmin, Some(*north)).await;
    let (_, of_north) = place.context(admin, NOW).await;
    let listed = user_list(db, &of_north, true, &PAGE).await.unwrap();
    assert_eq!((listed.total, listed.rows[0].id), (1, admin));
    assert_eq!(listed.rows[0].memberships[0].1, Role::TenantAdmin);
    let listed = user_list(db, all, true, &PAGE).await.unwrap();
    assert_eq!((listed.total, listed.rows.len()), (2, 2));
    let rest = Page { after: Some(("admin@example.net".to_owned(), admin.0)), limit: 1 };
    assert_eq!(user_list(db, all, true, &rest).await.unwrap().rows[0].id, root);
    assert_eq!(user_list(db, &all.narrowed(*south), false, &PAGE).await.unwrap().total, 0);
    assert!(matches!(user_get(db, &of_north, root).await, Err(UserError::NotFound)));
    let patch = |disabled| PersonPatch { disabled, ..PersonPatch::default() };
    let last = person_change(db, all, root, &patch(Some(true)), NOW).await;
    assert!(matches!(last, Err(UserError::LastSuperAdmin)));
    let email = Some("root@example.net".to_owned());
    let taken = PersonPatch { email, ..PersonPatch::default() };
    let taken = person_change(db, all, admin, &taken, NOW).await;
    assert!(matches!(taken, Err(UserError::Exists)));
    let denied = person_change(db, &of_north, root, &patch(Some(true)), NOW).await;
    assert!(matches!(denied, Err(UserError::Denied)));
    person_change(db, all, admin, &patch(Some(true)), NOW).await.unwrap();
    assert!(user_context(db, admin, NOW).await.unwrap().is_none());
    person_change(db, all, admin, &patch(Some(false)), NOW).await.unwrap();
    password_reset(db, all, admin, "reset", NOW).await.unwrap();
    let (user, context) = place.context(admin, NOW).await;
    assert!(user.one_time);
    let changed = async |old| {
        let who = (&user, &context);
        password_change(db, who, (old, "chosen"), [0; 32], NOW).await.unwrap()
    };
    assert!(!changed("hash").await);
    assert!(changed("reset").await);
    assert!(!place.context(admin, NOW).await.0.one_time);
    let account = account_by_email(db, "admin@example.net").await.unwrap().unwrap();
    assert_eq!(account.password_hash, "chosen");
}

async fn audited(place: &Place<'_>, tenant: TenantId, kind: &str) -> Vec<String> {
    let context = place.all.for_audit().narrowed(tenant);
    let filter = AuditFilter {
        action: kind.to_owned(),
        search: String::new(),
        from: Micros(0),
        to: Micros(i64::MAX),
    };
    let rows = audit_list(place.db, &context, &filter, AuditCursor::NEWEST, 1_000).await;
    rows.unwrap().into_iter().rev().map(|row| row.entry.action).collect()
}

async fn members_come_and_go(place: &Place<'_>) {
    let Place { db, all, ids, north, south, .. } = place;
    let admin = place.user("members@example.net", Role::TenantAdmin, Some(*south)).await;
    let (_, context) = place.context(admin, NOW).await;
    let add = async |context: &TenantContext, tenant, email| {
        member_add(db, context, ids, (tenant, email, Role::Viewer), "hash", NOW).await
    };
    let (fresh, made) = add(&context, *south, "fresh@example.net").await.unwrap();
    assert!(made && place.context(fresh.id, NOW).await.0.one_time);
    let again = add(&context, *south, "fresh@example.net").await;
    assert!(matches!(again, Err(UserError::Exists)));
    assert!(matches!(add(&context, *north, "x@example.net").await, Err(UserError::NotFound)));
    let elsewhere = add(&all.narrowed(*north), *north, "members@example.net").await.unwrap();
    assert_eq!((elsewhere.0.id, elsewhere.1), (admin, false));
    assert_eq!(member_list(db, &context, *south, &PAGE).await.unwrap().total, 2);
    let set = member_set(db, &context, (*south, fresh.id, Role::Operator), NOW).await.unwrap();
    assert_eq!(set.role, Role::Operator);
    member_set(db, all, (*north, fresh.id, Role::Viewer), NOW).await.unwrap();
    member_remove(db, &context, (*south, fresh.id), NOW).await.unwrap();
    let gone = member_set(db, &context, (*south, fresh.id, Role::Viewer), NOW).await;
    assert!(matches!(gone, Err(UserError::NotFound)));
    member_set(db, all, (*south, fresh.id, Role::Viewer), NOW).await.unwrap();
    assert!(matches!(member_list(db, &context, *south, &PAGE).await.unwrap().total, 2));
    member_set(db, all, (*south, fresh.id, Role::TenantAdmin), NOW).await.unwrap();
    let (_, theirs) = place.context(fresh.id, NOW).await;
    let key = async |by: &TenantContext| {
        let new = (&[Scope::Read][..], 1);
        api_key_create(db, by, ids, (*south, "a key"), new, NOW).await.unwrap().0
    };
    let (of_theirs, of_others) = (key(&theirs).await, key(&context).await);
    let is_good = async |key: &Secret| {
        let text = str::from_utf8(key.expose()).unwrap();
        api_key_get(db, text, NOW).await.unwrap().is_some()
    };
    // One that came while somebody took what seemed the last keeps the account.
    let begun = db.identity_change_beyond(IdentityKey::new(), all, *south, []).await;
    let mut txn = begun.unwrap();
    let changed = account_delete(&mut txn, fresh.id).await;
    assert!(matches!(changed, Err(UserError::Changed)), "{changed:?}");
    drop(txn);
    // With the last membership go the account and its keys, and its address is free again.
    member_remove(db, all, (*north, fresh.id), NOW).await.unwrap();
    assert!(user_get(db, all, fresh.id).await.is_ok() && is_good(&of_theirs).await);
    member_remove(db, &context, (*south, fresh.id), NOW).await.unwrap();
    assert!(matches!(user_get(db, all, fresh.id).await, Err(UserError::NotFound)));
    assert!(!is_good(&of_theirs).await && is_good(&of_others).await);
    let rows = audited(place, *south, "api_key").await;
    assert_eq!(rows, ["api_key.create", "api_key.create", "api_key.revoke"]);
    assert!(add(&context, *south, "fresh@example.net").await.unwrap().1);
}

async fn grants_end(place: &Place<'_>) {
    let Place { db, all, ids, north, south, .. } = place;
    let new = NewPerson {
        email: "staff@example.net",
        password_hash: "hash",
        one_time: false,
        super_admin: false,
        staff: true,
        member: None,
    };
    let staff = person_create(db, all, ids, &new, NOW).await.unwrap();
    let give = async |context: &TenantContext, tenant, role| {
        let life = Duration::from_secs(3600);
        let new = NewGrant { tenant, email: "staff@example.net", role, reason: "a ticket", life };
        grant_create(db, context, ids, new, NOW).await
    };
    let first = give(all, *north, Role::TenantAdmin).await.unwrap();
    let second = give(all, *south, Role::Viewer).await.unwrap();
    let (user, context) = place.context(staff, NOW).await;
    assert_eq!((user.role, context.access(*south)), (Role::TenantAdmin, Some(Access::Read)));
    assert_eq!(context.granted_until(*north), Some(first.expires_at));
    assert!(matches!(give(&context, *north, Role::Viewer).await, Err(UserError::Denied)));
    let list = async |context: &TenantContext, tenant, live| {
        let filter = GrantFilter { tenant, live, after: None, limit: 10 };
        let listed = grant_list(db, context, filter, NOW).await.unwrap();
        listed.rows.into_iter().map(|grant| grant.id).collect::<Vec<_>>()
    };
    assert_eq!(list(&context, None, true).await, [second.id, first.id]);
    assert_eq!(list(&all.narrowed(*north), Some(*north), false).await, [first.id]);
    grant_end(db, &context, second.id, NOW).await.unwrap();
    assert_eq!(list(all, None, true).await, [first.id]);
    assert_eq!(list(all, None, false).await, [second.id, first.id]);
    let (_, context) = place.context(staff, first.expires_at).await;
    assert_eq!(context.tenants().count(), 0);
    let patch = PersonPatch { staff: Some(false), ..PersonPatch::default() };
    person_change(db, all, staff, &patch, NOW).await.unwrap();
    assert_eq!(place.context(staff, NOW).await.1.tenants().count(), 0);
    assert!(matches!(give(all, *north, Role::Viewer).await, Err(UserError::NotStaff)));
}

async fn sessions_end(place: &Place<'_>) {
    let Place { db, all, ids, north, .. } = place;
    let id = place.user("sessions@example.net", Role::Viewer, Some(*north)).await;
    let (user, context) = place.context(id, NOW).await;
    let mut keys = Vec::new();
    for number in 0..102 {
        let browser = Browser { before: None, agent: format!("Browser {number}\u{7}") };
        let now = NOW.after(Duration::from_secs(number));
        let token = session_create(db, ids, (&user, &context), "hash", &browser, now).await;
        keys.push(session_key(token.unwrap().unwrap().expose()));
    }
    let now = NOW.after(Duration::from_secs(102));
    let (_, listed) = session_list(db, &context, id, now).await.unwrap();
    assert_eq!((listed.len(), listed[0].agent.as_str()), (100, "Browser 101"));
    assert!(session_get(db, keys[1], now).await.unwrap().is_none());
    assert_eq!(session_end(db, &context, listed[0].id, now).await.unwrap(), id);
    assert!(session_get(db, keys[101], now).await.unwrap().is_none());
    assert_eq!(session_end(db, all, listed[1].id, now).await.unwrap(), id);
    assert!(matches!(session_end(db, all, listed[1].id, now).await, Err(UserError::NotFound)));
    password_reset(db, all, id, "hash", now).await.unwrap();
    assert!(session_list(db, &context, id, now).await.unwrap().1.is_empty());
}

async fn factors_count_once(place: &Place<'_>) {
    let Place { db, dir, all, north, .. } = place;
    let keys = InstallationKeys::new(Vault::open(dir.path()).unwrap().into());
    let id = place.user("factor@example.net", Role::Viewer, Some(*north)).await;
    let (user, context) = place.context(id, NOW).await;
    let who = (&user, &context);
    assert!(matches!(factor_use(db, &keys, who, "1", NOW).await, Err(FactorError::Off)));
    factor_begin(db, &keys, who, NOW).await.unwrap();
    let seed = factor_begin(db, &keys, who, NOW).await.unwrap();
    let code = seed.code_at(NOW);
    assert!(matches!(factor_use(db, &keys, who, &code, NOW).await, Err(FactorError::Off)));
    let begin = async |agent: &str| {
        let browser = Browser { before: None, agent: agent.to_owned() };
        let token = session_create(db, &place.ids, who, "hash", &browser, NOW).await;
        session_key(token.unwrap().unwrap().expose())
    };
    let (mine, other) = (begin("mine").await, begin("other").await);
    let late = NOW.after(SEED_LIFE + Duration::from_secs(1));
    let expired = factor_confirm(db, &keys, who, (&seed.code_at(late), mine), late).await;
    assert!(matches!(expired, Err(FactorError::Expired)));
    let codes = factor_confirm(db, &keys, who, (&code, mine), NOW).await.unwrap();
    assert!(session_get(db, mine, NOW).await.unwrap().is_some());
    assert!(session_get(db, other, NOW).await.unwrap().is_none());
    assert!(place.context(id, NOW).await.0.totp);
    assert!(matches!(factor_begin(db, &keys, who, NOW).await, Err(FactorError::On)));
    let later = NOW.after(Duration::from_secs(60));
    let code = seed.code_at(later);
    // Two at the same moment, of which one counts.
    let (one, other) = tokio::join!(
        factor_use(db, &keys, who, &code, later),
        factor_use(db, &keys, who, &code, later),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(other.is_ok()), 1);
    let recovery = str::from_utf8(codes[0].expose()).unwrap();
    factor_use(db, &keys, who, recovery, later).await.unwrap();
    let again = factor_use(db, &keys, who, recovery, later).await;
    assert!(matches!(again, Err(FactorError::Wrong)));
    factor_remove(db, who, later).await.unwrap();
    let gone = factor_remove_of(db, all, id, later).await;
    assert!(matches!(gone, Err(FactorError::Off)));
    let recovery = str::from_utf8(codes[1].expose()).unwrap();
    assert!(factor_use(db, &keys, who, recovery, later).await.is_err());
}

async fn everything(db: &Database) {
    let place = Place::new(db).await;
    accounts_change(&place).await;
    members_come_and_go(&place).await;
    grants_end(&place).await;
    sessions_end(&place).await;
    factors_count_once(&place).await;
}

#[tokio::test]
async fn sqlite_knows_who_may_what_until_when() {
    let dir = tempfile::tempdir().unwrap();
    everything(&Database::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_knows_who_may_what_until_when() {
    let Some(scratch) = Scratch::open().await else { return };
    let db = scratch.database().await;
    everything(&db).await;
    db.close().await;
    scratch.remove().await;
}
