//! Who was told of what, and how that went.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, ChannelId, NotificationId};

use super::channel::channel_get;
use super::message::{Message, Type};
use crate::identity::TenantContext;
use crate::inventory::{InventoryError, Named, tenant_set};
use crate::store::sql::{Query, Row, sql};
use crate::store::{Database, StoreError, Txn};

/// A notification with its attempts.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: NotificationId,
    pub channel: Named<ChannelId>,
    /// The same at every attempt: what receivers tell a repetition by.
    pub key: String,
    /// `None`: a test, or about another channel.
    pub alert: Option<AlertId>,
    pub event: Type,
    pub summary: String,
    /// `queued`, `delivered`, `failed`.
    pub state: String,
    /// When it is tried again, while it is queued.
    pub next_at: Option<Micros>,
    pub created_at: Micros,
    pub ended_at: Option<Micros>,
    pub attempts: Vec<Tried>,
}

#[derive(Clone, Debug)]
pub struct Tried {
    pub at: Micros,
    pub took_ms: i64,
    pub outcome: String,
    pub status: Option<i64>,
    pub detail: String,
}

/// Which are wanted: the newest first, those before an id.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    pub id: Option<i64>,
    pub limit: u32,
}

macro_rules! select_delivery {
    () => {
        concat!(
            "SELECT n.notification_id, n.channel_id, c.name, n.alert_id, n.message, n.state,
                    n.next_at, n.created_at, n.ended_at, n.idempotency_key
             FROM notification n
             JOIN channel c ON c.tenant_id = n.tenant_id AND c.channel_id = n.channel_id
             WHERE n.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) ALERT =
    "SELECT alert_id FROM alert WHERE alert_id = $2 AND tenant_id IN ", tenant_set!()
}
sql! { pub(crate) OF_ALERT =
    select_delivery!(),
    " AND n.alert_id = $2 AND n.notification_id < $3 ORDER BY n.notification_id DESC LIMIT $4"
}
sql! { pub(crate) OF_CHANNEL =
    select_delivery!(),
    " AND n.channel_id = $2 AND n.notification_id < $3 AND ($4 = '' OR n.state = $4)
      ORDER BY n.notification_id DESC LIMIT $5"
}
sql! { pub(crate) ONE = select_delivery!(), " AND n.notification_id = $2" }
sql! { pub(crate) ATTEMPTS =
    "SELECT notification_id, at, took_ms, outcome, status, detail FROM delivery
     WHERE tenant_id IN ", tenant_set!(), "
       AND notification_id IN (SELECT value FROM json_each($2))
     ORDER BY notification_id, attempt"
}

fn read(row: &Row) -> Result<Delivery, StoreError> {
    let what = |_| StoreError::Corrupt { what: "a message".to_owned() };
    let message: Message = serde_json::from_str(&row.get::<String>(4)?).map_err(what)?;
    let state: String = row.get(5)?;
    let next_at = Micros(row.get(6)?);
    Ok(Delivery {
        id: NotificationId(row.get(0)?),
        channel: Named { id: ChannelId(row.get(1)?), name: row.get(2)? },
        alert: row.get::<Option<i64>>(3)?.map(AlertId),
        event: message.r#type,
        summary: message.data.summary,
        next_at: (state == "queued").then_some(next_at),
        state,
        created_at: Micros(row.get(7)?),
        ended_at: row.get::<Option<i64>>(8)?.map(Micros),
        key: row.get(9)?,
        attempts: Vec::new(),
    })
}

async fn page(
    txn: &mut Txn,
    context: &TenantContext,
    query: Query,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = query.all(txn).await?;
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = found.iter().map(|delivery| delivery.id.0.to_string()).collect();
    let attempts = ATTEMPTS.bind(context.tenants_json()).bind(format!("[{}]", ids.join(",")));
    let mut of: BTreeMap<i64, Vec<Tried>> = BTreeMap::new();
    for row in attempts.all(txn).await? {
        of.entry(row.get(0)?).or_default().push(Tried {
            at: Micros(row.get(1)?),
            took_ms: row.get(2)?,
            outcome: row.get(3)?,
            status: row.get(4)?,
            detail: row.get(5)?,
        });
    }
    for delivery in &mut found {
        delivery.attempts = of.remove(&delivery.id.0).unwrap_or_default();
    }
    Ok(found)
}

/// Who was told of an alert.
pub async fn deliveries_of_alert(
    db: &Database,
    context: &TenantContext,
    alert: AlertId,
    before: Before,
) -> Result<Vec<Delivery>, InventoryError> {
    let (set, mut txn) = (context.tenants_json(), db.read(context).await?);
    if ALERT.bind(&set).bind(alert.0).optional(&mut txn).await?.is_none() {
        return Err(InventoryError::NotFound);
    }
    let query = OF_ALERT.bind(set).bind(alert.0).bind(before.id.unwrap_or(i64::MAX));
    Ok(page(&mut txn, context, query.bind(before.limit)).await?)
}

/// What a channel was told; with a state, only what is in it.
pub async fn deliveries_of_channel(
    db: &Database,
    context: &TenantContext,
    (channel, state): (ChannelId, Option<&str>),
    before: Before,
) -> Result<Vec<Delivery>, InventoryError> {
    channel_get(db, context, channel).await?;
    let mut txn = db.read(context).await?;
    let query = OF_CHANNEL.bind(context.tenants_json()).bind(channel.0);
    let query = query.bind(before.id.unwrap_or(i64::MAX)).bind(state.unwrap_or_default());
    let query = query.bind(before.limit);
    Ok(page(&mut txn, context, query).await?)
}

pub async fn delivery_get(
    db: &Database,
    context: &TenantContext,
    id: NotificationId,
) -> Result<Delivery, InventoryError> {
    let mut txn = db.read(context).await?;
    let query = ONE.bind(context.tenants_json()).bind(id.0);
    page(&mut txn, context, query).await?.pop().ok_or(InventoryError::NotFound)
}
