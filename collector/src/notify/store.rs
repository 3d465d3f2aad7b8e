//! What waits, and what became of it.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, IdGenerator, NotificationId, TenantId};
use farwatch_common::secret::Secret;

use super::NotifyKey;
use super::core::{Attempt, Next, Outcome, PEOPLE, Pace, SPELL_MIN, Tried, Waiting, is_stale};
use super::message::{Message, Type};
use super::send::Parcel;
use super::settings::{Kind, Secrets, Settings};
use super::spell;
use crate::inventory::vault::{Place, Vault, VaultError};
use crate::store::samples::read_all_stored;
use crate::store::sql::{Query, Row, sql};
use crate::store::{Database, StoreError, Txn};

// The first of each channel is the head of an index: a long queue costs no more than a short one.
sql! { pub(crate) WAITING =
    "SELECT tenant_id, channel_id, next_at, failing, kind FROM (
         SELECT c.tenant_id, c.channel_id, c.kind,
                CASE WHEN c.failing_since IS NULL THEN 0 ELSE 1 END AS failing,
                (SELECT MIN(n.next_at) FROM notification n
                 WHERE n.channel_id = c.channel_id AND n.state = 'queued') AS next_at
         FROM channel c WHERE c.enabled = 1) q
     WHERE next_at IS NOT NULL"
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
                n.attempts, n.created_at, c.kind, c.settings, c.sealed, c.version, c.key_version,
                n.receivers, c.name, c.failing_since
         FROM notification n
         JOIN channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
         WHERE n.tenant_id = $1 AND n.state = 'queued'"
    };
}

sql! { pub(crate) NEXT =
    select_one!(),
    // In the order in which they were written; the sign keeps SQLite to the index of that.
    " AND n.channel_id = $2 AND +n.next_at <= $3 ORDER BY n.notification_id LIMIT 1"
}
sql! { pub(crate) ONE = select_one!(), " AND n.notification_id = $2" }

/// A notification that is to be sent now.
pub(super) struct Due {
    pub(super) tenant: TenantId,
    pub(super) id: NotificationId,
    pub(super) channel: ChannelId,
    pub(super) tried: Tried,
    pub(super) name: String,
    pub(super) failing_since: Option<Micros>,
    pub(super) message: Option<Message>,
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

sql! { pub(crate) CLAIM =
    "UPDATE notification SET attempts = $3, next_at = $4, claimed = 1
     WHERE tenant_id = $1 AND notification_id = $2 AND state = 'queued' AND attempts = $5"
}

/// Claims the notification, with all that sending it takes; `None`: there is none any more, or it
/// was given up.
pub(super) async fn take(
    database: &Database,
    (vault, ids): (&Vault, &IdGenerator),
    tenant: TenantId,
    which: Which,
    now: Micros,
) -> Result<Option<Due>, StoreError> {
    let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
    let query: Query = match which {
        Which::Next(channel, now) => NEXT.bind(tenant).bind(channel.0).bind(now),
        Which::One(id) => ONE.bind(tenant).bind(id.0),
    };
    let Some(row) = query.optional(&mut txn).await? else { return Ok(None) };
    let whole = |_| StoreError::Corrupt { what: "the attempts of a notification".to_owned() };
    let attempts = u32::try_from(row.get::<i64>(5)?).map_err(whole)?;
    let message: Option<Message> = serde_json::from_str(&row.get::<String>(4)?).ok();
    let is_test = message.as_ref().is_some_and(|message| message.r#type == Type::Test);
    let tried = Tried { attempts: attempts + 1, created_at: Micros(row.get(6)?), is_test };
    let (id, channel) = (NotificationId(row.get(0)?), ChannelId(row.get(1)?));
    let parcel = parcel(&mut txn, vault, (tenant, channel), (&row, message.as_ref())).await?;
    let (name, since) = (row.get(13)?, row.get::<Option<i64>>(14)?.map(Micros));
    let due = Due { tenant, id, channel, tried, name, failing_since: since, message, parcel };
    // A test in the queue is one whose process died: who asked for it waits no more.
    let unasked = is_test && matches!(which, Which::Next(..));
    if unasked || is_stale(tried.created_at, now) {
        let end = END.bind(tenant).bind(id.0).bind("failed").bind(now).bind(now);
        end.bind(None::<String>).bind(attempts).execute(&mut txn).await?;
        spell::given_up(&mut txn, ids, (&due, since), now).await?;
        txn.commit().await?;
        return Ok(None);
    }
    let claim =
        CLAIM.bind(tenant).bind(id.0).bind(tried.attempts).bind(now.after(super::core::CLAIM));
    let claimed = claim.bind(attempts).execute(&mut txn).await?;
    txn.commit().await?;
    Ok((claimed > 0).then_some(due))
}

async fn parcel(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, channel): (TenantId, ChannelId),
    (row, message): (&Row, Option<&Message>),
) -> Result<Option<Parcel>, StoreError> {
    let (body, settings): (String, String) = (row.get(4)?, row.get(8)?);
    let (Some(message), Some(kind), Ok(mut settings)) = (
        message.cloned(),
        Kind::from_name(&row.get::<String>(7)?),
        serde_json::from_str::<Settings>(&settings),
    ) else {
        return Ok(None);
    };
    if let Some(left) = row.get::<Option<String>>(12)? {
        let Ok(left) = serde_json::from_str::<BTreeSet<String>>(&left) else { return Ok(None) };
        // Who was taken out of the channel meanwhile is told nothing more.
        settings.to.retain(|to| left.contains(to));
    }
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
    "UPDATE notification SET state = $3, next_at = $4, ended_at = $5, claimed = 0,
            receivers = coalesce($6, receivers)
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

// The channel is well again: what waits for its next attempt is told now, in its order.
sql! { pub(crate) BACK =
    "UPDATE notification SET next_at = created_at
     WHERE tenant_id = $1 AND channel_id = $2 AND notification_id <> $3 AND state = 'queued'
       AND attempts > 0 AND claimed = 0"
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
    ids: &IdGenerator,
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
    let corrupt = |_| StoreError::Corrupt { what: "receivers that are no JSON".to_owned() };
    let left =
        made.attempt.left.as_ref().map(serde_json::to_string).transpose().map_err(corrupt)?;
    let end = END.bind(tenant).bind(due.id.0).bind(state).bind(next_at).bind(ended_at);
    if end.bind(left).bind(due.tried.attempts).execute(&mut txn).await? == 0 {
        return Ok(());
    }
    let took_ms = i64::try_from(made.ended_at.since(made.at).as_millis()).unwrap_or(i64::MAX);
    let delivery = DELIVERY.bind(tenant).bind(due.id.0).bind(due.tried.attempts).bind(made.at);
    let delivery = delivery.bind(took_ms).bind(made.attempt.outcome.name());
    let delivery = delivery.bind(made.attempt.status).bind(&made.attempt.detail);
    delivery.execute(&mut txn).await?;
    if made.attempt.outcome == Outcome::Delivered {
        if due.failing_since.is_some_and(|since| made.ended_at.since(since) >= SPELL_MIN) {
            BACK.bind(tenant).bind(due.channel.0).bind(due.id.0).execute(&mut txn).await?;
        }
        WELL.bind(tenant).bind(due.channel.0).execute(&mut txn).await?;
    } else {
        FAILING.bind(tenant).bind(due.channel.0).bind(made.at).execute(&mut txn).await?;
    }
    if made.next == Next::Failed {
        let since = due.failing_since.unwrap_or(made.at);
        spell::given_up(&mut txn, ids, (due, Some(since)), made.at).await?;
    }
    txn.commit().await
}

sql! { pub(crate) CLAIMED =
    "SELECT DISTINCT tenant_id FROM notification WHERE claimed = 1"
}
// A test is told to who asked for it, or to nobody.
sql! { pub(crate) RELEASE =
    "UPDATE notification SET next_at = created_at, claimed = 0
     WHERE tenant_id = $1 AND claimed = 1 AND state = 'queued' AND alert_id IS NOT NULL"
}

/// Frees what a process that died had claimed: it is sent again, with the same key.
pub(super) async fn release(database: &Database) -> Result<(), StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = CLAIMED.query().all(&mut txn).await?;
    drop(txn);
    for row in &rows {
        let tenant = TenantId(row.get(0)?);
        let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
        RELEASE.bind(tenant).execute(&mut txn).await?;
        txn.commit().await?;
    }
    Ok(())
}

sql! { pub(crate) OLD =
    "SELECT DISTINCT tenant_id FROM notification WHERE state <> 'queued' AND created_at < $1"
}
// Who was told of a firing is told of its end: that is known by what is kept of the firing.
sql! { pub(crate) SWEEP =
    "DELETE FROM notification WHERE tenant_id = $1 AND notification_id IN (
         SELECT n.notification_id FROM notification n
         WHERE n.tenant_id = $1 AND n.state <> 'queued' AND n.created_at < $2
           AND (n.on_resolved = 0 OR NOT EXISTS (
               SELECT 1 FROM alert a WHERE a.tenant_id = n.tenant_id AND a.alert_id = n.alert_id
                 AND a.phase <> 'resolved'))
         LIMIT $3)"
}
/// Deleted in one transaction, with their attempts: others wait for no more.
const SWEEP_GROUP: u32 = 500;

/// Deletes what ended and is older than this, with its attempts.
pub(super) async fn sweep(database: &Database, before: Micros) -> Result<u64, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = OLD.bind(before).all(&mut txn).await?;
    drop(txn);
    let mut swept = 0;
    for row in &rows {
        let tenant = TenantId(row.get(0)?);
        loop {
            let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
            let sweep = SWEEP.bind(tenant).bind(before).bind(SWEEP_GROUP);
            let group = sweep.execute(&mut txn).await?;
            txn.commit().await?;
            swept += group;
            if group < SWEEP_GROUP.into() {
                break;
            }
        }
    }
    Ok(swept)
}
