//! A channel that fails cannot say so itself: the tenant's other channels are told, once per spell.
//!
//! - in: channels that have failed for long, and notifications that are given up
//! - out: notifications of the type `channel.failing` to those that work
//! - bound: two per spell and channel, of a tenant's channels
//! - when full: as every notification
//! - on crash: written with what it tells of, under keys that make it count once

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, IdGenerator, TenantId};

use super::NotifyKey;
use super::message::{Message, Type};
use super::outbox::{New, queue};
use super::store::Due;
use crate::evaluate::severity::Severity;
use crate::store::samples::read_all_stored;
use crate::store::sql::sql;
use crate::store::{Database, StoreError, Txn};

sql! { pub(crate) SPELLS =
    "SELECT tenant_id, channel_id, name, failing_since FROM channel
     WHERE enabled = 1 AND failing_since <= $1
       AND (failing_told IS NULL OR failing_told <> failing_since)"
}
sql! { pub(crate) OTHERS =
    "SELECT channel_id FROM channel
     WHERE tenant_id = $1 AND channel_id <> $2 AND enabled = 1 AND failing_since IS NULL"
}
sql! { pub(crate) TOLD =
    "UPDATE channel SET failing_told = $3
     WHERE tenant_id = $1 AND channel_id = $2 AND failing_since = $3"
}
sql! { pub(crate) GAVE_UP =
    "UPDATE channel SET gave_up_at = $3 WHERE tenant_id = $1 AND channel_id = $2"
}

/// A channel that takes nothing, since then.
struct Spell {
    tenant: TenantId,
    channel: ChannelId,
    since: Micros,
}

/// Tells of the channels that have failed since before then. Where no other channel works nobody is
/// told, until one does.
pub(super) async fn tell(
    database: &Database,
    ids: &IdGenerator,
    (before, now): (Micros, Micros),
) -> Result<(), StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = SPELLS.bind(before).all(&mut txn).await?;
    drop(txn);
    for row in &rows {
        let (tenant, channel) = (TenantId(row.get(0)?), ChannelId(row.get(1)?));
        let (name, since) = (row.get::<String>(2)?, Micros(row.get(3)?));
        let spell = Spell { tenant, channel, since };
        let summary = format!("The channel «{name}» takes no notifications");
        let (of, what) = ((channel, name.as_str()), (Severity::Warning, summary.as_str()));
        let message = Message::channel_failing(of, what, (since, now));
        let mut txn = database.notify(NotifyKey::new(), &BTreeSet::from([tenant])).await?;
        if tell_others(&mut txn, ids, &spell, ("failing", &message), now).await? {
            TOLD.bind(tenant).bind(channel.0).bind(since).execute(&mut txn).await?;
            txn.commit().await?;
        }
    }
    Ok(())
}

/// Marks a channel whose notification is given up. Of the first critical one of a spell, which began
/// at `since`, others are told.
pub(super) async fn given_up(
    txn: &mut Txn,
    ids: &IdGenerator,
    (due, since): (&Due, Option<Micros>),
    now: Micros,
) -> Result<(), StoreError> {
    let Some(message) = due.message.as_ref().filter(|message| message.r#type != Type::Test) else {
        return Ok(());
    };
    GAVE_UP.bind(due.tenant).bind(due.channel.0).bind(now).execute(txn).await?;
    let is_critical = message.data.severity.as_deref() == Some(Severity::Critical.name());
    let (true, Some(_), Some(since)) = (is_critical, &message.data.alert, since) else {
        return Ok(());
    };
    let (name, lost) = (due.name.as_str(), message.title());
    let summary =
        format!("The channel «{name}» did not take what is critical and given up: {lost}");
    let of = (due.channel, name);
    let message = Message::channel_failing(of, (Severity::Critical, &summary), (since, now));
    let spell = Spell { tenant: due.tenant, channel: due.channel, since };
    tell_others(txn, ids, &spell, ("given-up", &message), now).await?;
    Ok(())
}

/// Whether anybody was there to be told.
async fn tell_others(
    txn: &mut Txn,
    ids: &IdGenerator,
    spell: &Spell,
    (what, message): (&str, &Message),
    now: Micros,
) -> Result<bool, StoreError> {
    let Spell { tenant, channel, since } = *spell;
    let others = OTHERS.bind(tenant).bind(channel.0).all(txn).await?;
    let corrupt = |_| StoreError::Corrupt { what: "a message that is no JSON".to_owned() };
    let message = serde_json::to_string(message).map_err(corrupt)?;
    for row in &others {
        let other = ChannelId(row.get(0)?);
        // The same for the whole spell.
        let key = format!("{channel}-{what}-{}-{other}", since.0);
        let new = New { tenant, channel: other, alert: None, key, on_resolved: false };
        queue(txn, ids, new, &message, now).await?;
    }
    Ok(!others.is_empty())
}
