//! Making, changing and ending screens. What each tenant's audit tells of one is what concerns it.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, ScreenId, TenantId, UserId};
use farwatch_common::secret::Secret;
use serde_json::{Value, json};

use super::{
    Kept, Of, PREFIX, SCREENS_MAX, Screen, TENANT_SCREENS_MAX, View, Wanted, is_own, may,
    screen_in, screens_in,
};
use crate::audit::{Change, INSTALLATION};
use crate::identity::tenancy::{Actor, TenantContext};
use crate::identity::{IdentityKey, digest, text_key};
use crate::inventory::InventoryError;
use crate::store::sql::sql;
use crate::store::txn::Write;
use crate::store::{Database, StoreError, Txn};

/// The chains that tell of a screen of these tenants.
fn chains_of(tenants: Option<&BTreeSet<TenantId>>) -> BTreeSet<TenantId> {
    tenants.cloned().unwrap_or_else(|| [INSTALLATION].into())
}

/// What a chain tells of a screen: of its tenants the chain's own; all of them in the installation's.
fn told(screen: &Screen, chain: TenantId) -> Value {
    let concerns = |id: TenantId| chain == INSTALLATION || id == chain;
    let tenants = screen.tenants.as_ref().map_or_else(
        || json!("all"),
        |all| {
            let shown = all.iter().filter(|tenant| concerns(tenant.id));
            shown
                .map(|tenant| json!({ "id": tenant.id.to_string(), "name": tenant.name }))
                .collect()
        },
    );
    let views = screen.views.iter().filter(|view| view.tenant.is_none_or(concerns));
    let views: Vec<Value> =
        views.map(|view| json!({ "kind": view.kind, "tag": view.tag })).collect();
    json!({ "tenants": tenants, "views": views, "every_s": screen.every_s })
}

/// One change for each of the chains.
fn changes(
    verb: &'static str,
    (before, after): (Option<&Screen>, Option<&Screen>),
    chains: impl IntoIterator<Item = TenantId>,
) -> Vec<Change> {
    let Some(one) = after.or(before) else { return Vec::new() };
    let change = |chain| {
        let mut change = Change::new("screen", verb, one.id.0, &one.name).only_in([chain]);
        if let Some(before) = before {
            change = change.before(told(before, chain));
        }
        if let Some(after) = after {
            change = change.after(told(after, chain));
        }
        change
    };
    chains.into_iter().map(change).collect()
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
sql! { pub(crate) COUNT = "SELECT COUNT(*) FROM wall_tenant WHERE tenant_id = $1" }
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
    let chains = chains_of(wanted.tenants.as_ref());
    let mut txn = db.own_change(IdentityKey::new(), context.who(), chains.clone()).await?;
    room(TOTAL.query().scalar(&mut txn).await?, SCREENS_MAX)?;
    let insert = INSERT.bind(id).bind(&wanted.name).bind(digest(&secret));
    let insert = insert.bind(text_of(&wanted.views)?).bind(wanted.every_s);
    insert.bind(wanted.tenants.is_none()).bind(maker).bind(now).execute(&mut txn).await?;
    for tenant in wanted.tenants.iter().flatten() {
        tenant_show(&mut txn, id, *tenant).await?;
    }
    let made = screen_in(&mut txn, id).await?.ok_or(InventoryError::NotFound)?;
    txn.commit(changes("create", (None, Some(&made)), chains), now).await?;
    Ok((text_key::encode(PREFIX, &id.to_string(), &secret), made))
}

/// Under the lock of the tenant's chain, which keeps the count true.
async fn tenant_show(txn: &mut Txn, id: ScreenId, tenant: TenantId) -> Result<(), InventoryError> {
    room(COUNT.bind(tenant).scalar(txn).await?, TENANT_SCREENS_MAX)?;
    INSERT_TENANT.bind(id).bind(tenant).execute(txn).await?;
    Ok(())
}

fn room(screens: i64, max: u32) -> Result<(), InventoryError> {
    let what = "screens; remove those that no wall shows";
    if screens < max.into() { Ok(()) } else { Err(InventoryError::Full { what, max }) }
}

/// Begins a change of a screen that shows something of the caller's, in the chains of its tenants and of
/// these others; with what it shows under their lock.
async fn begin(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
    others: Option<&BTreeSet<TenantId>>,
) -> Result<(Write, Screen), InventoryError> {
    let mut read = db.identity_read(IdentityKey::new()).await?;
    let seen = screen_in(&mut read, id).await?;
    drop(read);
    let mut seen = seen.ok_or(InventoryError::NotFound)?;
    loop {
        // What is not theirs to see must not be told by a lock that is waited for either.
        seen.clone().seen_by(context).ok_or(InventoryError::NotFound)?;
        let mut chains = chains_of(seen.tenant_ids().as_ref());
        chains.extend(others.into_iter().flatten());
        let mut txn = db.own_change(IdentityKey::new(), context.who(), chains).await?;
        let now = screen_in(&mut txn, id).await?.ok_or(InventoryError::NotFound)?;
        if now.tenant_ids() == seen.tenant_ids() {
            return Ok((txn, now));
        }
        // Somebody changed it in between: the chains are those of what it was.
        seen = now;
    }
}

sql! { pub(crate) UPDATE =
    "UPDATE wall_screen SET name = $2, views = $3, every_s = $4, all_tenants = $5
     WHERE screen_id = $1"
}
sql! { pub(crate) DELETE_TENANT =
    "DELETE FROM wall_tenant WHERE screen_id = $1 AND tenant_id = $2"
}

/// Lets a screen show something else; it does within a minute. Its link stays. For who administers all
/// that it shows and is to show.
pub async fn screen_change(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
    wanted: &Wanted,
    now: Micros,
) -> Result<Screen, InventoryError> {
    let others = chains_of(wanted.tenants.as_ref());
    let (mut txn, before) = begin(db, context, id, Some(&others)).await?;
    let old = before.tenant_ids();
    if !may(context, old.as_ref()) || !may(context, wanted.tenants.as_ref()) {
        return Err(InventoryError::Denied);
    }
    let update = UPDATE.bind(id).bind(&wanted.name).bind(text_of(&wanted.views)?);
    let update = update.bind(wanted.every_s).bind(wanted.tenants.is_none());
    update.execute(&mut txn).await?;
    let (old, new) = (old.unwrap_or_default(), wanted.tenants.clone().unwrap_or_default());
    for gone in old.difference(&new) {
        DELETE_TENANT.bind(id).bind(*gone).execute(&mut txn).await?;
    }
    for come in new.difference(&old) {
        tenant_show(&mut txn, id, *come).await?;
    }
    let after = screen_in(&mut txn, id).await?.ok_or(InventoryError::NotFound)?;
    let chains = chains_of(before.tenant_ids().as_ref()).into_iter().chain(others);
    let chains: BTreeSet<TenantId> = chains.collect();
    txn.commit(changes("change", (Some(&before), Some(&after)), chains), now).await?;
    Ok(after)
}

sql! { pub(crate) DELETE = "DELETE FROM wall_screen WHERE screen_id = $1" }

/// Ends a screen: its link opens nothing from now on. Of one that shows other tenants, too, the caller
/// takes theirs away.
pub async fn screen_delete(
    db: &Database,
    context: &TenantContext,
    id: ScreenId,
    now: Micros,
) -> Result<(), InventoryError> {
    let (mut txn, before) = begin(db, context, id, None).await?;
    let own = |tenant: &TenantId| is_own(context, *tenant);
    let tenants = before.tenant_ids();
    if may(context, tenants.as_ref()) {
        DELETE.bind(id).execute(&mut txn).await?;
        let chains = chains_of(tenants.as_ref());
        return Ok(txn.commit(changes("delete", (Some(&before), None), chains), now).await?);
    }
    let theirs: BTreeSet<TenantId> = tenants.unwrap_or_default().into_iter().filter(own).collect();
    for tenant in &theirs {
        DELETE_TENANT.bind(id).bind(*tenant).execute(&mut txn).await?;
    }
    let after = screen_in(&mut txn, id).await?;
    Ok(txn.commit(changes("change", (Some(&before), after.as_ref()), theirs), now).await?)
}

sql! { pub(crate) TENANTS_OF_MAKER =
    "SELECT DISTINCT w.tenant_id FROM wall_tenant w
     JOIN wall_screen s ON s.screen_id = w.screen_id WHERE s.made_by = $1"
}

/// The tenants that screens show which somebody made.
pub(in crate::identity) async fn tenants_of_screens(
    txn: &mut Txn,
    maker: UserId,
) -> Result<BTreeSet<TenantId>, StoreError> {
    let rows = TENANTS_OF_MAKER.bind(maker).all(txn).await?;
    rows.iter().map(|row| Ok(TenantId(row.get(0)?))).collect()
}

sql! { pub(crate) DELETE_OF_MAKER = "DELETE FROM wall_screen WHERE made_by = $1" }

/// Ends the screens that somebody made, who goes: they know the links.
pub(in crate::identity) async fn screens_of_maker_end(
    txn: &mut Txn,
    maker: UserId,
) -> Result<Vec<Change>, StoreError> {
    let screens = screens_in(txn, Of::Maker(maker)).await?;
    DELETE_OF_MAKER.bind(maker).execute(txn).await?;
    let ended = |screen: &Screen| {
        changes("delete", (Some(screen), None), chains_of(screen.tenant_ids().as_ref()))
    };
    Ok(screens.iter().flat_map(ended).collect())
}
