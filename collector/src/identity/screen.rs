//! Screens on the wall: a link opens one, nobody signs in at it, and it changes nothing.
//!
//! A screen is bound to tenants and to the views that it shows in turn. It may read the state of
//! these tenants (sites, agents, devices, alerts) and nothing else: [`crate::api`] holds it to that.
//! It ends when it is removed, and with the rights of the person who made it, who knows its link.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, ScreenId, TenantId, UserId};
use farwatch_common::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::tenancy::{Access, Actor, TenantContext};
use super::user::{UserError, user_context_in};
use super::{IdentityKey, NOTE_EVERY, digest, text_key};
use crate::audit::Change;
use crate::inventory::{InventoryError, Named};
use crate::store::sql::{Row, sql};
use crate::store::txn::Write;
use crate::store::{Database, StoreError, Txn};

/// Holds the link's token at the screen.
pub const COOKIE: &str = "__Host-farwatch-wall";
/// Browsers keep a cookie no longer; each visit of the page renews it.
pub const COOKIE_LIFE_S: u64 = 400 * 86_400;
const PREFIX: &str = "fws";
/// Of an installation.
const SCREENS_MAX: u32 = 1_000;
pub const VIEWS_MAX: usize = 20;
/// How long each view stands, in seconds.
pub const EVERY_S: std::ops::RangeInclusive<u32> = 5..=3_600;
pub const EVERY_S_USUAL: u32 = 30;

/// What a screen shows for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub kind: ViewKind,
    /// Of this tenant only.
    pub tenant: Option<TenantId>,
    /// Of devices with this tag only.
    pub tag: Option<String>,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: ViewKind,
    tenant: Option<i64>,
    tag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    Now,
    Sites,
    Fleet,
    Alerts,
}

/// What somebody wants a screen to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub name: String,
    /// `None`: all there are, also those that come.
    pub tenants: Option<BTreeSet<TenantId>>,
    pub views: Vec<View>,
    pub every_s: u32,
}

#[derive(Clone, Debug)]
pub struct Screen {
    pub id: ScreenId,
    pub name: String,
    /// By name; `None`: all there are.
    pub tenants: Option<Vec<Named<TenantId>>>,
    pub views: Vec<View>,
    pub every_s: u32,
    pub created_at: Micros,
    pub last_used_at: Option<Micros>,
}

/// Whether the caller may hand out what shows all of these tenants. Who administers one by a staff
/// grant hands out nothing: it would outlive the grant.
fn may(context: &TenantContext, tenants: Option<&BTreeSet<TenantId>>) -> bool {
    let Some(tenants) = tenants else { return context.is_super_admin() };
    let is_own = |tenant: &TenantId| {
        context.may(*tenant, Access::Admin) && context.granted_until(*tenant).is_none()
    };
    !tenants.is_empty() && tenants.iter().all(is_own)
}

async fn change(
    db: &Database,
    context: &TenantContext,
    tenants: Option<&BTreeSet<TenantId>>,
) -> Result<Write, StoreError> {
    let chains = tenants.cloned().unwrap_or_default();
    db.own_change(IdentityKey::new(), context.who(), chains).await
}

fn told(views: &[View], every_s: u32) -> Value {
    let kinds: Vec<_> = views.iter().map(|view| view.kind).collect();
    json!({ "views": kinds, "every_s": every_s })
}

fn text_of(views: &[View]) -> Result<String, StoreError> {
    let kept = |view: &View| Kept {
        kind: view.kind,
        tenant: view.tenant.map(|tenant| tenant.0),
        tag: view.tag.clone(),
    };
    let kept: Vec<_> = views.iter().map(kept).collect();
    serde_json::to_string(&kept).map_err(|_| StoreError::Corrupt { what: "views".to_owned() })
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM wall_screen" }
sql! { pub(crate) INSERT =
    "INSERT INTO wall_screen (screen_id, name, secret_hash, views, every_s, all_tenants, made_by,
                              created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
}
sql! { pub(crate) INSERT_TENANT =
    "INSERT INTO wall_tenant (screen_id, tenant_id) VALUES ($1, $2)"
}

/// Makes a screen; the token for its link is shown once.
pub async fn screen_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    wanted: &Wanted,
    now: Micros,
) -> Result<(Secret, Screen), InventoryError> {
    let Actor::User(maker) = *context.actor() else { return Err(InventoryError::Denied) };
    if !may(context, wanted.tenants.as_ref()) {
        return Err(InventoryError::Denied);
    }
    let (id, secret) = (ScreenId(ids.next(now)), text_key::secret_new()?);
    let mut txn = change(db, context, wanted.tenants.as_ref()).await?;
    if TOTAL.query().scalar::<i64>(&mut txn).await? >= SCREENS_MAX.into() {
        let what = "screens; remove those that no wall shows";
        return Err(InventoryError::Full { what, max: SCREENS_MAX });
    }
    let insert = INSERT.bind(id).bind(&wanted.name).bind(digest(&secret));
    let insert = insert.bind(text_of(&wanted.views)?).bind(wanted.every_s);
    insert.bind(wanted.tenants.is_none()).bind(maker).bind(now).execute(&mut txn).await?;
    write_tenants(&mut txn, id, wanted.tenants.as_ref()).await?;
    let after = told(&wanted.views, wanted.every_s);
    let change = Change::new("screen", "create", id.0, &wanted.name).after(after);
    txn.commit([change], now).await?;
    let made = screen_get(db, context, id).await?;
    Ok((text_key::encode(PREFIX, &id.to_string(), &secret), made))
}

async fn write_tenants(
    txn: &mut Txn,
    id: ScreenId,
    tenants: Option<&BTreeSet<TenantId>>,
) -> Result<(), StoreError> {
    for tenant in tenants.into_iter().flatten() {
        INSERT_TENANT.bind(id).bind(*tenant).execute(txn).await?;
    }
    Ok(())
}

sql! { pub(crate) LIST =
    "SELECT screen_id, name, views, every_s, all_tenants, created_at, last_used_at
     FROM wall_screen ORDER BY name, screen_id"
}
sql! { pub(crate) TENANTS =
    "SELECT w.screen_id, t.tenant_id, t.name FROM wall_tenant w
     JOIN tenant t ON t.tenant_id = w.tenant_id ORDER BY t.name, t.tenant_id"
}

/// The screens whose tenants the caller all administers, by name. There are [`SCREENS_MAX`] at most.
pub async fn screen_list(
    db: &Database,
    context: &TenantContext,
) -> Result<Vec<Screen>, StoreError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let mut of: BTreeMap<i64, Vec<Named<TenantId>>> = BTreeMap::new();
    for row in &TENANTS.query().all(&mut txn).await? {
        let tenant = Named { id: TenantId(row.get(1)?), name: row.get(2)? };
        of.entry(row.get(0)?).or_default().push(tenant);
    }
    let rows = LIST.query().all(&mut txn).await?;
    let mut screens = rows.iter().map(|row| read(row, &mut of)).collect::<Result<Vec<_>, _>>()?;
    screens.retain(|screen| may(context, screen.tenant_ids().as_ref()));
    Ok(screens)
}

impl Screen {
    fn tenant_ids(&self) -> Option<BTreeSet<TenantId>> {
        self.tenants.as_ref().map(|all| all.iter().map(|tenant| tenant.id).collect())
    }
}

fn read(row: &Row, of: &mut BTreeMap<i64, Vec<Named<TenantId>>>) -> Result<Screen, StoreError> {
    let id: i64 = row.get(0)?;
    let of_all = row.get::<i64>(4)? != 0;
    Ok(Screen {
        id: ScreenId(id),
        name: row.get(1)?,
        tenants: (!of_all).then(|| of.remove(&id).unwrap_or_default()),
        views: views_from(&row.get::<String>(2)?)?,
        every_s: every_from(row.get(3)?),
        created_at: Micros(row.get(5)?),
        last_used_at: row.get::<Option<i64>>(6)?.map(Micros),
    })
}

fn views_from(text: &str) -> Result<Vec<View>, StoreError> {
    let corrupt = |_| StoreError::Corrupt { what: "the views of a screen".to_owned() };
    let kept: Vec<Kept> = serde_json::from_str(text).map_err(corrupt)?;
    let view = |Kept { kind, tenant, tag }| View { kind, tenant: tenant.map(TenantId), tag };
    Ok(kept.into_iter().map(view).collect())
}

fn every_from(every_s: i64) -> u32 {
    u32::try_from(every_s).unwrap_or(EVERY_S_USUAL)
}

async fn screen_get(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
) -> Result<Screen, InventoryError> {
    let mut all = screen_list(db, context).await?.into_iter();
    all.find(|screen| screen.id == id).ok_or(InventoryError::NotFound)
}

sql! { pub(crate) UPDATE =
    "UPDATE wall_screen SET name = $2, views = $3, every_s = $4, all_tenants = $5
     WHERE screen_id = $1"
}
sql! { pub(crate) DELETE_TENANTS = "DELETE FROM wall_tenant WHERE screen_id = $1" }

/// Lets a screen show something else; it does within a minute. Its link stays.
pub async fn screen_change(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
    wanted: &Wanted,
    now: Micros,
) -> Result<Screen, InventoryError> {
    let before = screen_get(db, context, id).await?;
    if !may(context, wanted.tenants.as_ref()) {
        return Err(InventoryError::Denied);
    }
    let both = before.tenant_ids().into_iter().chain(wanted.tenants.clone()).flatten().collect();
    let mut txn = change(db, context, Some(&both)).await?;
    let update = UPDATE.bind(id).bind(&wanted.name).bind(text_of(&wanted.views)?);
    let update = update.bind(wanted.every_s).bind(wanted.tenants.is_none());
    if update.execute(&mut txn).await? == 0 {
        return Err(InventoryError::NotFound);
    }
    DELETE_TENANTS.bind(id).execute(&mut txn).await?;
    write_tenants(&mut txn, id, wanted.tenants.as_ref()).await?;
    let change = Change::new("screen", "change", id.0, &wanted.name)
        .before(told(&before.views, before.every_s))
        .after(told(&wanted.views, wanted.every_s));
    txn.commit([change], now).await?;
    screen_get(db, context, id).await
}

sql! { pub(crate) DELETE = "DELETE FROM wall_screen WHERE screen_id = $1" }

/// Ends a screen: its link opens nothing from now on.
pub async fn screen_delete(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
    now: Micros,
) -> Result<(), InventoryError> {
    let before = screen_get(db, context, id).await?;
    let mut txn = change(db, context, before.tenant_ids().as_ref()).await?;
    let gone = DELETE.bind(id).execute(&mut txn).await? > 0;
    let change = || Change::new("screen", "delete", id.0, &before.name);
    Ok(txn.commit(gone.then(change), now).await?)
}

/// A screen that shows its token.
#[derive(Clone, Debug)]
pub struct KnownScreen {
    pub id: ScreenId,
    pub name: String,
    pub context: TenantContext,
    pub views: Vec<View>,
    pub every_s: u32,
    /// 1970 if never.
    pub last_used_at: Micros,
}

sql! { pub(crate) GET =
    "SELECT secret_hash, name, views, every_s, all_tenants, last_used_at, made_by FROM wall_screen
     WHERE screen_id = $1"
}
sql! { pub(crate) TENANTS_OF = "SELECT tenant_id FROM wall_tenant WHERE screen_id = $1" }

/// Whose token this is and what it may see; `None` for every text that is not a good token now. It
/// shows no more than whoever made it administers now: they know its link.
pub async fn screen_known(
    db: &Database,
    text: &str,
    now: Micros,
) -> Result<Option<KnownScreen>, UserError> {
    let Some((id, secret)) = parse(text) else { return Ok(None) };
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let Some(row) = GET.bind(id).optional(&mut txn).await? else { return Ok(None) };
    let stored: Vec<u8> = row.get(0)?;
    if !bool::from(digest(secret.expose()).ct_eq(stored.as_slice())) {
        return Ok(None);
    }
    let maker = user_context_in(&mut txn, UserId(row.get(6)?), now).await?;
    let Some((_, maker)) = maker else { return Ok(None) };
    let mut tenants: Vec<TenantId> = if row.get::<i64>(4)? == 0 {
        let rows = TENANTS_OF.bind(id).all(&mut txn).await?;
        rows.iter().map(|row| Ok(TenantId(row.get(0)?))).collect::<Result<_, StoreError>>()?
    } else if maker.is_super_admin() {
        maker.tenants().collect()
    } else {
        return Ok(None);
    };
    tenants.retain(|tenant| may(&maker, Some(&[*tenant].into())));
    if tenants.is_empty() && !maker.is_super_admin() {
        return Ok(None);
    }
    let name: String = row.get(1)?;
    let tenants = tenants.into_iter().map(|tenant| (tenant, Access::Read));
    Ok(Some(KnownScreen {
        id,
        context: TenantContext::new((Actor::Screen(id), &name), false, tenants),
        name,
        views: views_from(&row.get::<String>(2)?)?,
        every_s: every_from(row.get(3)?),
        last_used_at: Micros(row.get::<Option<i64>>(5)?.unwrap_or(0)),
    }))
}

fn parse(text: &str) -> Option<(ScreenId, Secret)> {
    let (id, secret) = text_key::parse(PREFIX, text)?;
    Some((format!("scr_{id}").parse().ok()?, secret))
}

sql! { pub(crate) TOUCH =
    "UPDATE wall_screen SET last_used_at = $2
     WHERE screen_id = $1 AND COALESCE(last_used_at, 0) <= $3"
}

/// Notes that a screen shows something. Of requests at the same time one writes.
pub async fn screen_touch(db: &Database, id: ScreenId, now: Micros) -> Result<(), StoreError> {
    let mut txn = db.identity(IdentityKey::new()).await?;
    TOUCH.bind(id).bind(now).bind(now.before(NOTE_EVERY)).execute(&mut txn).await?;
    txn.commit().await
}
