//! Screens on the wall: a link opens one, nobody signs in at it, and it changes nothing.
//!
//! A screen is bound to tenants and to the views that it shows in turn. It may read the state of
//! these tenants (sites, agents, devices, alerts) and nothing else: [`crate::api`] holds it to that.
//! It ends when it is removed, and with the rights of the person who made it, who knows its link.

pub(crate) mod change;
pub(crate) mod known;

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{ScreenId, TenantId, UserId};
use serde::{Deserialize, Serialize};

pub use change::{screen_change, screen_create, screen_delete};
pub(super) use change::{screens_of_maker_end, tenants_of_screens};
pub use known::{KnownScreen, screen_known, screen_touch};

use super::IdentityKey;
use super::tenancy::{Access, TenantContext};
use crate::inventory::Named;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Holds the link's token at the screen.
pub const COOKIE: &str = "__Host-farwatch-wall";
/// Browsers keep a cookie no longer; each visit of the page renews it.
pub const COOKIE_LIFE_S: u64 = 400 * 86_400;
const PREFIX: &str = "fws";
/// Of an installation.
const SCREENS_MAX: u32 = 1_000;
/// Of one tenant: its administrators take no more of them from the others.
const TENANT_SCREENS_MAX: u32 = 50;
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
    /// It shows tenants, too, that the caller does not administer and that are not named here.
    pub is_shared: bool,
    pub views: Vec<View>,
    pub every_s: u32,
    pub created_at: Micros,
    pub last_used_at: Option<Micros>,
}

/// Whether the caller may hand out what shows this tenant. Who administers it by a staff grant hands out
/// nothing: it would outlive the grant.
fn is_own(context: &TenantContext, tenant: TenantId) -> bool {
    context.may(tenant, Access::Admin) && context.granted_until(tenant).is_none()
}

/// The same for what shows all of these; `None`: all there are.
fn may(context: &TenantContext, tenants: Option<&BTreeSet<TenantId>>) -> bool {
    let Some(tenants) = tenants else { return context.is_super_admin() };
    !tenants.is_empty() && tenants.iter().all(|tenant| is_own(context, *tenant))
}

impl Screen {
    fn tenant_ids(&self) -> Option<BTreeSet<TenantId>> {
        self.tenants.as_ref().map(|all| all.iter().map(|tenant| tenant.id).collect())
    }

    /// As the caller may see it; `None` if it shows nothing of theirs.
    fn seen_by(mut self, context: &TenantContext) -> Option<Self> {
        let Some(all) = &mut self.tenants else { return context.is_super_admin().then_some(self) };
        let before = all.len();
        all.retain(|tenant| is_own(context, tenant.id));
        self.is_shared = all.len() < before;
        self.views
            .retain(|view| view.tenant.is_none_or(|id| all.iter().any(|tenant| tenant.id == id)));
        (!all.is_empty()).then_some(self)
    }
}

// $1: this screen only, $2: those of this maker only; all where it is NULL.
sql! { pub(crate) LIST =
    "SELECT screen_id, name, views, every_s, all_tenants, created_at, last_used_at
     FROM wall_screen
     WHERE screen_id = COALESCE($1, screen_id) AND made_by = COALESCE($2, made_by)
     ORDER BY name, screen_id"
}
sql! { pub(crate) TENANTS =
    "SELECT w.screen_id, t.tenant_id, t.name FROM wall_tenant w
     JOIN tenant t ON t.tenant_id = w.tenant_id
     JOIN wall_screen s ON s.screen_id = w.screen_id
     WHERE w.screen_id = COALESCE($1, w.screen_id) AND s.made_by = COALESCE($2, s.made_by)
     ORDER BY t.name, t.tenant_id"
}

/// Which screens.
enum Of {
    All,
    One(ScreenId),
    Maker(UserId),
}

/// The screens that show a tenant which the caller administers, by name, of each what is theirs. There
/// are [`SCREENS_MAX`] at most.
pub async fn screen_list(
    db: &Database,
    context: &TenantContext,
) -> Result<Vec<Screen>, StoreError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let all = screens_in(&mut txn, Of::All).await?.into_iter();
    Ok(all.filter_map(|screen| screen.seen_by(context)).collect())
}

async fn screen_in(txn: &mut Txn, id: ScreenId) -> Result<Option<Screen>, StoreError> {
    Ok(screens_in(txn, Of::One(id)).await?.pop())
}

async fn screens_in(txn: &mut Txn, which: Of) -> Result<Vec<Screen>, StoreError> {
    let (one, maker) = match which {
        Of::All => (None, None),
        Of::One(id) => (Some(id), None),
        Of::Maker(id) => (None, Some(id)),
    };
    let mut of: BTreeMap<i64, Vec<Named<TenantId>>> = BTreeMap::new();
    for row in &TENANTS.bind(one).bind(maker).all(txn).await? {
        let tenant = Named { id: TenantId(row.get(1)?), name: row.get(2)? };
        of.entry(row.get(0)?).or_default().push(tenant);
    }
    let rows = LIST.bind(one).bind(maker).all(txn).await?;
    rows.iter().map(|row| read(row, &mut of)).collect()
}

fn read(row: &Row, of: &mut BTreeMap<i64, Vec<Named<TenantId>>>) -> Result<Screen, StoreError> {
    let id: i64 = row.get(0)?;
    let of_all = row.get::<i64>(4)? != 0;
    Ok(Screen {
        id: ScreenId(id),
        name: row.get(1)?,
        tenants: (!of_all).then(|| of.remove(&id).unwrap_or_default()),
        is_shared: false,
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
