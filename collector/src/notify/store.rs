//! What waits, and what became of it.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, NotificationId, TenantId};
use farwatch_common::secret::Secret;

use super::NotifyKey;
use super::core::{Attempt, Next, Outcome, PEOPLE, Pace, Tried, Waiting};
use super::send::Parcel;
use super::settings::{Kind, Secrets};
use crate::inventory::vault::{Place, Vault, VaultError};
use crate::store::samples::read_all_stored;
use crate::store::sql::{Query, Row, sql};
use crate::store::{Database, StoreError, Txn};

sql! { pub(crate) WAITING =
    "SELECT n.tenant_id, n.channel_id, MIN(n.next_at),
            CASE WHEN c.failing_since IS NULL THEN 0 ELSE 1 END, c.kind
     FROM notification n
     JOIN channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
     WHERE n.state = 'queued' AND c.enabled = 1
     GROUP BY n.tenant_id, n.channel_id, c.failing_since, c.kind"
}

/// The channels that something waits for, of all tenants.
pub(super) async fn waiting(database: &Database) -> Result<Vec<Waiting>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = WAITING.query().all(&mut txn).await?;
    let one = |row: &Row| {
        let (tenant, channel) = (TenantId(row.get(0)?), ChannelId(row.get(1)?));
        // Of a kind that is not known nothing can be told: it ends as broken, at any pace.
        let pace = Kind::from_name(&row.get::<String>(4)?).map_or(PEOPLE, Pace::of);
        Ok(Waiting { tenant, channel, next_at: Micros(row.get(2)?), failing: row.get(3)?, pace })
    };
    rows.iter().map(one).collect()
}

macro_rules! select_one {
    () => {
        "SELECT n.notification_id, n.channel_id, n.alert_id, n.idempotency_key, n.message,
                n.attempts, n.created_at, c.kind, c.settings, c.sealed, c.version, c.key_version
         FROM notification n
         JOIN channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
         WHERE n.tenant_id = $1 AND n.state = 'queued'"
    };
}

sql! { pub(crate) NEXT =
    select_one!(),
    " AND n.channel_id = $2 AND n.next_at <= $3 ORDER BY n.next_at, n.notification_id LIMIT 1"
}
sql! { pub(crate) ONE = select_one!(), " AND n.notification_id = $2" }

/// A notification that is to be sent now.
pub(super) struct Due {
    pub(super) tenant: TenantId,
    pub(super) id: NotificationId,
    pub(super) channel: ChannelId,
    pub(super) tried: Tried,
    /// `None`: what is stored of the channel or the message cannot be used.
    pub(super) parcel: Option<Parcel>,
}

/// Which notification is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// The first of the channel that is due.
    Next(ChannelId, Micros),
    One(NotificationId),
}

/// The notification with all that sending it takes; `None`: there is none any more.
pub(super) async fn take(
    database: &Database,
    vault: &Vault,
    tenant: TenantId,
    which: Which,
) -> Result<Option<Due>, StoreError> {
    let mut txn = database.notify_read(NotifyKey::new(), tenant).await?;
    let query: Query = match which {
        Which::Next(channel, now) => NEXT.bind(tenant).bind(channel.0).bind(now),
        Which::One(id) => ONE.bind(tenant).bind(id.0),
    };
    let Some(row) = query.optional(&mut txn).await? else { return Ok(None) };
    let whole = |_| StoreError::Corrupt { what: "the attempts of a notification".to_owned() };
    let tried = Tried {
        attempts: u32::try_from(row.get::<i64>(5)?).map_err(whole)? + 1,
        created_at: Micros(row.get(6)?),
        is_test: row.get::<Option<i64>>(2)?.is_none(),
    };
    let (id, channel) = (NotificationId(row.get(0)?), ChannelId(row.get(1)?));
    let parcel = parcel(&mut txn, vault, (tenant, channel), &row).await?;
    Ok(Some(Due { tenant, id, channel, tried, parcel }))
}

async fn parcel(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, channel): (TenantId, ChannelId),
    row: &Row,
) -> Result<Option<Parcel>, StoreError> {
    let (body, settings): (String, String) = (row.get(4)?, row.get(8)?);
    let (Ok(message), Some(kind), Ok(settings)) = (
        serde_json::from_str(&body),
        Kind::from_name(&row.get::<String>(7)?),
        serde_json::from_str(&settings),
    ) else {
        return Ok(None);
    };
    let secrets = match row.get::<Option<Vec<u8>>>(9)? {
        None => Some(Secrets::default()),
        Some(sealed) => {
            let of = Sealed { version: row.get(10)?, key_version: row.get(11)?, sealed };
            match of.open(txn, vault, (tenant, channel)).await {
                Ok(plain) => Secrets::read(&plain),
                Err(VaultError::Store(error)) => return Err(error),
                Err(_) => None,
            }
        }
    };
    let (key, client) = (row.get(3)?, channel.to_string());
    Ok(secrets.map(|secrets| Parcel { kind, settings, secrets, key, body, message, client }))
}

/// The secrets of a channel as they are stored.
pub(super) struct Sealed {
    pub(super) version: i64,
    pub(super) key_version: i64,
    pub(super) sealed: Vec<u8>,
}

impl Sealed {
    pub(super) async fn open(
        &self,
        txn: &mut Txn,
        vault: &Vault,
        (tenant, channel): (TenantId, ChannelId),
    ) -> Result<Secret, VaultError> {
        let version = u32::try_from(self.key_version).map_err(|_| VaultError::Sealed)?;
        let key = vault.tenant_key(txn, tenant, Some(version)).await?;
        key.open(Place::of_channel(tenant, channel, self.version), &self.sealed)
    }
}

// Only once, also if another sent it meanwhile.
sql! { pub(crate) END =
    "UPDATE notification SET state = $3, attempts = $4, next_at = $5, ended_at = $6
     WHERE tenant_id = $1 AND notification_id = $2 AND state = 'queued' AND attempts = $7"
}
sql! { pub(crate) DELIVERY =
    "INSERT INTO delivery (tenant_id, notification_id, attempt, at, took_ms, outcome, status,
                           detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
}
sql! { pub(crate) WELL =
    "UPDATE channel SET failing_since = NULL
     WHERE tenant_id = $1 AND channel_id = $2 AND failing_since IS NOT NULL"
}
sql! { pub(crate) FAILING =
    "UPDATE channel SET failing_since = $3
     WHERE tenant_id = $1 AND channel_id = $2 AND failing_since IS NULL"
}

/// An attempt that was made.
pub(super) struct Made<'a> {
    pub(super) at: Micros,
    pub(super) ended_at: Micros,
    pub(super) attempt: &'a Attempt,
    pub(super) next: Next,
}

/// Writes the attempt and what it makes of its notification. One whose channel was deleted
/// meanwhile is gone.
pub(super) async fn made(
    database: &Database,
    due: &Due,
    made: &Made<'_>,
) -> Result<(), StoreError> {
    let tenant = due.tenant;
    let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
    let (state, next_at, ended_at) = match made.next {
        Next::Delivered => ("delivered", made.ended_at, Some(made.ended_at)),
        Next::Again(at) => ("queued", at, None),
        Next::Failed => ("failed", made.ended_at, Some(made.ended_at)),
    };
    let end = END.bind(tenant).bind(due.id.0).bind(state).bind(due.tried.attempts);
    let end = end.bind(next_at).bind(ended_at).bind(due.tried.attempts.saturating_sub(1));
    if end.execute(&mut txn).await? == 0 {
        return Ok(());
    }
    let took_ms = i64::try_from(made.ended_at.since(made.at).as_millis()).unwrap_or(i64::MAX);
    let delivery = DELIVERY.bind(tenant).bind(due.id.0).bind(due.tried.attempts).bind(made.at);
    let delivery = delivery.bind(took_ms).bind(made.attempt.outcome.name());
    let delivery = delivery.bind(made.attempt.status).bind(&made.attempt.detail);
    delivery.execute(&mut txn).await?;
    let mark = if made.attempt.outcome == Outcome::Delivered {
        WELL.bind(tenant).bind(due.channel.0)
    } else {
        FAILING.bind(tenant).bind(due.channel.0).bind(made.at)
    };
    mark.execute(&mut txn).await?;
    txn.commit().await
}

/// Gives up what nobody waits for any more.
pub(super) async fn expired(database: &Database, due: &Due, now: Micros) -> Result<(), StoreError> {
    let tenant = due.tenant;
    let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
    let attempts = due.tried.attempts.saturating_sub(1);
    let end = END.bind(tenant).bind(due.id.0).bind("failed").bind(attempts);
    end.bind(now).bind(now).bind(attempts).execute(&mut txn).await?;
    txn.commit().await
}

sql! { pub(crate) OLD =
    "SELECT DISTINCT tenant_id FROM notification WHERE state <> 'queued' AND created_at < $1"
}
sql! { pub(crate) SWEEP =
    "DELETE FROM notification WHERE tenant_id = $1 AND state <> 'queued' AND created_at < $2"
}

/// Deletes what ended and is older than this, with its attempts.
pub(super) async fn sweep(database: &Database, before: Micros) -> Result<u64, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = OLD.bind(before).all(&mut txn).await?;
    drop(txn);
    let mut swept = 0;
    for row in &rows {
        let tenant = TenantId(row.get(0)?);
        let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
        swept += SWEEP.bind(tenant).bind(before).execute(&mut txn).await?;
        txn.commit().await?;
    }
    Ok(swept)
}
