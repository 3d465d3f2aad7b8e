//! Channels: where people of a tenant are told. No answer shows a secret of one.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, IdGenerator, NotificationId, TenantId};
use farwatch_common::secret::Secret;
use serde_json::{Value, json};

use super::message::Message;
use super::outbox::QUEUE;
use super::settings::{Broker, KEYS_MAX, Kind, Secrets, Settings};
use super::store::Sealed;
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::vault::{Place, Vault, VaultError};
use crate::inventory::{
    InventoryError, Listed, Named, Page, differences, get, list, require, set_of, tenant_set,
};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Channels of a tenant.
pub const CHANNELS_MAX: u32 = 100;
/// A test that nobody sent, because the process died, is given up after so long.
const TEST_LATER: std::time::Duration = std::time::Duration::from_secs(3600);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub name: String,
    pub tenant: Named<TenantId>,
    pub kind: Kind,
    pub enabled: bool,
    pub settings: Settings,
    pub failing_since: Option<Micros>,
    /// What waits to be told, or to be tried again.
    pub waiting: i64,
    /// Others were told that it fails.
    pub failing_told: bool,
    /// When a notification was given up last.
    pub gave_up_at: Option<Micros>,
    /// When something was to be told last, tests too.
    pub last_told_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Channel {
    /// What the audit tells of it.
    fn told(&self) -> Value {
        json!({
            "name": self.name, "kind": self.kind.name(), "enabled": self.enabled,
            "settings": self.settings,
        })
    }
}

/// A channel to be made; what is in it is checked by the caller.
#[derive(Debug)]
pub struct NewChannel {
    pub tenant: TenantId,
    pub name: String,
    pub kind: Kind,
    pub settings: Settings,
    pub secrets: Secrets,
}

/// What is to become of the keys that sign.
#[derive(Debug, Default)]
pub enum Keys {
    #[default]
    Stay,
    /// This one is in use from now on; the one before signs too.
    Exchange(Secret),
    /// The one before signs no more.
    Finish,
}

/// What is to be different; the rest stays as it is when the change is made.
#[derive(Debug, Default)]
pub struct ChannelPatch {
    pub name: Option<String>,
    pub enabled: Option<bool>,
    /// Receivers of mail.
    pub to: Option<Vec<String>>,
    /// With the host that is shown of it.
    pub url: Option<(Secret, String)>,
    pub broker: Option<Broker>,
    /// `Some(None)`: no password any more.
    pub password: Option<Option<Secret>>,
    pub keys: Keys,
}

impl ChannelPatch {
    /// Changes what is no secret.
    fn set(&mut self, settings: &mut Settings) {
        if let Some(to) = self.to.take() {
            settings.to = to;
        }
        if let Some((_, host)) = &self.url {
            settings.host.clone_from(host);
        }
        if let Some(broker) = self.broker.take() {
            // A password is for the broker it was given for: at another it must be given anew.
            let moved = settings.broker.as_ref().is_some_and(|old| {
                (&old.host, old.port, old.tls, &old.user)
                    != (&broker.host, broker.port, broker.tls, &broker.user)
            });
            if moved && self.password.is_none() {
                self.password = Some(None);
            }
            settings.broker = Some(broker);
        }
    }

    fn is_secret(&self) -> bool {
        self.url.is_some() || self.password.is_some() || !matches!(self.keys, Keys::Stay)
    }

    fn apply(&mut self, secrets: &mut Secrets) {
        if let Some((url, _)) = self.url.take() {
            secrets.url = Some(url);
        }
        if let Some(password) = self.password.take() {
            secrets.password = password;
        }
        match std::mem::take(&mut self.keys) {
            Keys::Stay => {}
            Keys::Exchange(key) => {
                secrets.keys.insert(0, key);
                secrets.keys.truncate(KEYS_MAX);
            }
            Keys::Finish => secrets.keys.truncate(1),
        }
    }
}

macro_rules! select_channel {
    () => {
        concat!(
            "SELECT c.channel_id, c.name, t.tenant_id, t.name, c.kind, c.enabled, c.settings,
                    c.failing_since, c.failing_told, c.gave_up_at, c.created_at, c.updated_at,
                    (SELECT COUNT(*) FROM notification n
                     WHERE n.channel_id = c.channel_id AND n.state = 'queued'),
                    (SELECT n.created_at FROM notification n
                     WHERE n.tenant_id = c.tenant_id AND n.channel_id = c.channel_id
                     ORDER BY n.notification_id DESC LIMIT 1)
             FROM channel c JOIN tenant t ON t.tenant_id = c.tenant_id WHERE c.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM channel WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) LIST =
    select_channel!(),
    " AND ($2 = 0 OR (c.name, c.channel_id) > ($3, $4)) ORDER BY c.name, c.channel_id LIMIT $5"
}
sql! { pub(crate) GET = select_channel!(), " AND c.channel_id = $2" }

fn read(row: &Row) -> Result<Channel, StoreError> {
    let what = || StoreError::Corrupt { what: "a channel".to_owned() };
    let failing_since = row.get::<Option<i64>>(7)?.map(Micros);
    let failing_told = row.get::<Option<i64>>(8)?.map(Micros);
    Ok(Channel {
        id: ChannelId(row.get(0)?),
        name: row.get(1)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        kind: Kind::from_name(&row.get::<String>(4)?).ok_or_else(what)?,
        enabled: row.get(5)?,
        settings: serde_json::from_str(&row.get::<String>(6)?).map_err(|_| what())?,
        failing_since,
        failing_told: failing_since.is_some() && failing_since == failing_told,
        gave_up_at: row.get::<Option<i64>>(9)?.map(Micros),
        created_at: Micros(row.get(10)?),
        updated_at: Micros(row.get(11)?),
        waiting: row.get(12)?,
        last_told_at: row.get::<Option<i64>>(13)?.map(Micros),
    })
}

/// The channels of the caller's tenants, by name.
pub async fn channel_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Channel>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

pub async fn channel_get(
    db: &Database,
    context: &TenantContext,
    id: ChannelId,
) -> Result<Channel, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

async fn in_txn(txn: &mut Txn, tenant: TenantId, id: ChannelId) -> Result<Channel, InventoryError> {
    let row = GET.bind(set_of(tenant)).bind(id.0).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

sql! { pub(crate) BY_NAME =
    "SELECT channel_id FROM channel WHERE tenant_id = $1 AND name = $2 AND channel_id <> $3"
}
sql! { pub(crate) COUNT = "SELECT COUNT(*) FROM channel WHERE tenant_id = $1" }
sql! { pub(crate) INSERT =
    "INSERT INTO channel (tenant_id, channel_id, name, kind, enabled, settings, sealed, version,
                          key_version, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 1, $5, $6, 1, $7, $8, $8)"
}

async fn name_is_free(
    txn: &mut Txn,
    tenant: TenantId,
    (name, id): (&str, ChannelId),
) -> Result<(), InventoryError> {
    match BY_NAME.bind(tenant).bind(name).bind(id.0).optional(txn).await? {
        None => Ok(()),
        Some(_) => {
            Err(InventoryError::Exists { what: "channel of this name", there: name.to_owned() })
        }
    }
}

pub async fn channel_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    new: &NewChannel,
    now: Micros,
) -> Result<Channel, InventoryError> {
    require(context, new.tenant, Access::Admin)?;
    let (tenant, id) = (new.tenant, ChannelId(ids.next(now)));
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    name_is_free(&mut txn, tenant, (&new.name, id)).await?;
    let channels: i64 = COUNT.bind(tenant).scalar(&mut txn).await?;
    if channels >= CHANNELS_MAX.into() {
        let what = "channels; delete one that nobody uses";
        return Err(InventoryError::Full { what, max: CHANNELS_MAX });
    }
    let key = vault.tenant_key(&mut txn, tenant, None).await?;
    let place = Place::of_channel(tenant, id, 1);
    let sealed = new.secrets.plain().map(|plain| key.seal(place, &plain)).transpose()?;
    let insert = INSERT.bind(tenant).bind(id.0).bind(&new.name).bind(new.kind.name());
    let insert = insert.bind(settings_json(&new.settings)?).bind(sealed).bind(key.version());
    insert.bind(now).execute(&mut txn).await?;
    let made = in_txn(&mut txn, tenant, id).await?;
    let change = Change::new("channel", "create", id.0, &made.name);
    txn.commit([change.after(made.told())], now).await?;
    Ok(made)
}

fn settings_json(settings: &Settings) -> Result<String, StoreError> {
    let corrupt = |_| StoreError::Corrupt { what: "settings that are no JSON".to_owned() };
    serde_json::to_string(settings).map_err(corrupt)
}

sql! { pub(crate) SEALED =
    "SELECT sealed, version, key_version FROM channel WHERE tenant_id = $1 AND channel_id = $2"
}
sql! { pub(crate) UPDATE =
    "UPDATE channel SET name = $3, enabled = $4, settings = $5, updated_at = $6,
            failing_since = CASE WHEN $7 = 1 THEN NULL ELSE failing_since END
     WHERE tenant_id = $1 AND channel_id = $2"
}
sql! { pub(crate) SEAL =
    "UPDATE channel SET sealed = $3, version = $4, key_version = $5
     WHERE tenant_id = $1 AND channel_id = $2"
}

pub async fn channel_patch(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    id: ChannelId,
    mut patch: ChannelPatch,
    now: Micros,
) -> Result<Channel, InventoryError> {
    let tenant = channel_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let before = in_txn(&mut txn, tenant, id).await?;
    let name = patch.name.clone().unwrap_or_else(|| before.name.clone());
    name_is_free(&mut txn, tenant, (&name, id)).await?;
    let mut settings = before.settings.clone();
    patch.set(&mut settings);
    // Of where it leads now nobody knows yet how it is.
    let moved = settings != before.settings || patch.url.is_some() || patch.password.is_some();
    let replaced = patch.is_secret();
    if replaced {
        let keys = reseal(&mut txn, vault, (tenant, id), &mut patch).await?;
        settings.keys = keys;
    }
    let enabled = patch.enabled.unwrap_or(before.enabled);
    let update = UPDATE.bind(tenant).bind(id.0).bind(&name).bind(enabled);
    let update = update.bind(settings_json(&settings)?).bind(now).bind(moved);
    update.execute(&mut txn).await?;
    let after = in_txn(&mut txn, tenant, id).await?;
    let (was, mut is) = (before.told(), after.told());
    if replaced {
        is["secrets"] = json!("replaced");
    }
    let Some((was, is)) = differences(&was, &is) else { return Ok(before) };
    let change = Change::new("channel", "change", id.0, &after.name).before(was).after(is);
    txn.commit([change], now).await?;
    Ok(after)
}

/// Opens the secrets, changes them, seals them under the next version; says how many keys sign.
async fn reseal(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, id): (TenantId, ChannelId),
    patch: &mut ChannelPatch,
) -> Result<usize, InventoryError> {
    let row = SEALED.bind(tenant).bind(id.0).optional(txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let version: i64 = row.get(1)?;
    let mut secrets = match row.get::<Option<Vec<u8>>>(0)? {
        None => Secrets::default(),
        Some(sealed) => {
            let sealed = Sealed { version, key_version: row.get(2)?, sealed };
            match sealed.open(txn, vault, (tenant, id)).await {
                Ok(plain) => Secrets::read(&plain).ok_or(InventoryError::Damaged)?,
                Err(VaultError::Sealed) => return Err(InventoryError::Damaged),
                Err(error) => return Err(error.into()),
            }
        }
    };
    patch.apply(&mut secrets);
    let key = vault.tenant_key(txn, tenant, None).await?;
    let place = Place::of_channel(tenant, id, version + 1);
    let sealed = secrets.plain().map(|plain| key.seal(place, &plain)).transpose()?;
    let seal = SEAL.bind(tenant).bind(id.0).bind(sealed).bind(version + 1).bind(key.version());
    seal.execute(txn).await?;
    Ok(secrets.keys.len())
}

sql! { pub(crate) DELETE = "DELETE FROM channel WHERE tenant_id = $1 AND channel_id = $2" }

/// Deletes a channel, with its routes and what waits for it.
pub async fn channel_delete(
    db: &Database,
    context: &TenantContext,
    id: ChannelId,
    now: Micros,
) -> Result<(), InventoryError> {
    let tenant = channel_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let before = in_txn(&mut txn, tenant, id).await?;
    DELETE.bind(tenant).bind(id.0).execute(&mut txn).await?;
    let change = Change::new("channel", "delete", id.0, &before.name);
    Ok(txn.commit([change.before(before.told())], now).await?)
}

/// Writes a test of the channel, for [`super::Courier::test`] to send.
pub async fn channel_test(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    id: ChannelId,
    now: Micros,
) -> Result<(TenantId, NotificationId), InventoryError> {
    let tenant = channel_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let channel = in_txn(&mut txn, tenant, id).await?;
    let test = NotificationId(ids.next(now));
    let corrupt = |_| StoreError::Corrupt { what: "a message that is no JSON".to_owned() };
    let message = serde_json::to_string(&Message::test(&channel.name, now)).map_err(corrupt)?;
    let queue = QUEUE.bind(tenant).bind(test.0).bind(id.0).bind(None::<i64>);
    let queue = queue.bind(test.to_string()).bind(message).bind("queued");
    let queue = queue.bind(now.after(TEST_LATER)).bind(now).bind(None::<i64>).bind(false);
    queue.execute(&mut txn).await?;
    txn.commit([Change::new("channel", "test", id.0, &channel.name)], now).await?;
    Ok((tenant, test))
}
