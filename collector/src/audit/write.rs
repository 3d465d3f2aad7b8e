//! Adds rows to chains, inside the transaction of the change that they tell of.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use serde_json::Value;

use super::chain::{Entry, Hash, Head, START, link};
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

/// Where a request came from, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// `None` on the collector's own machine.
    pub address: Option<IpAddr>,
    /// The one of the answer's header; empty outside a request.
    pub request_id: Arc<str>,
}

/// Who makes a change, in the words in which it is kept: names change, rows do not.
#[derive(Clone, Debug)]
pub struct Who {
    /// `user`, `api_key`, `agent`, `token`, `local` or `nobody`.
    pub kind: &'static str,
    /// 0 where there is none.
    pub id: i64,
    pub name: Arc<str>,
    pub origin: Origin,
}

/// What is changed. No secret may be in it: build it from what the API shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    kind: &'static str,
    verb: &'static str,
    id: i64,
    name: String,
    before: Option<Value>,
    after: Option<Value>,
    /// The chains it shows in; `None`: in all that the change has locked.
    only: Option<BTreeSet<TenantId>>,
}

impl Change {
    /// Of one thing: `("device", "create", …)` is the action `device.create`.
    #[must_use]
    pub fn new(kind: &'static str, verb: &'static str, id: i64, name: &str) -> Self {
        let name = name.to_owned();
        Self { kind, verb, id, name, before: None, after: None, only: None }
    }

    /// What the thing was before, as far as it changes.
    #[must_use]
    pub fn before(self, before: Value) -> Self {
        Self { before: Some(before), ..self }
    }

    /// What it is now, as far as it changed.
    #[must_use]
    pub fn after(self, after: Value) -> Self {
        Self { after: Some(after), ..self }
    }

    /// Shows in these chains and in no other that is locked with them: what one tenant may know, its
    /// neighbour may not.
    #[must_use]
    pub fn only_in(self, chains: impl IntoIterator<Item = TenantId>) -> Self {
        Self { only: Some(chains.into_iter().collect()), ..self }
    }
}

/// The ends of chains that are locked until the transaction ends: whoever comes second waits. What
/// is counted under a tenant's lock stays true until the commit.
#[derive(Debug)]
pub struct Chains(Vec<(TenantId, Head)>);

// A chain begins with its first row; until then its hash is empty.
sql! { pub(crate) LOCK =
    "INSERT INTO audit_head AS head (tenant_id, seq, hash) VALUES ($1, 0, $2)
     ON CONFLICT (tenant_id) DO UPDATE SET seq = head.seq RETURNING seq, hash"
}
sql! { pub(crate) INSERT =
    "INSERT INTO audit (tenant_id, seq, at, actor_kind, actor_id, actor_name, address, action,
                        object_kind, object_id, object_name, before, after, request_id, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
}
sql! { pub(crate) RAISE =
    "UPDATE audit_head SET seq = $2, hash = $3 WHERE tenant_id = $1"
}

impl Chains {
    /// Locks the chains of these tenants, all in one order so that nobody waits in a circle.
    pub(crate) async fn lock(
        txn: &mut Txn,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Self, StoreError> {
        let mut heads = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            let row = LOCK.bind(*tenant).bind(&[][..]).one(txn).await?;
            heads.push((*tenant, Head { seq: row.get(0)?, hash: hash(&row.get::<Vec<u8>>(1)?)? }));
        }
        Ok(Self(heads))
    }

    /// Adds the change to each of them that it is for.
    pub(crate) async fn add(
        &mut self,
        txn: &mut Txn,
        who: &Who,
        change: Change,
        at: Micros,
    ) -> Result<(), StoreError> {
        let Change { kind, verb, id, name, before, after, only } = change;
        let mut entry = Entry {
            tenant: super::INSTALLATION,
            seq: 0,
            at,
            actor_kind: who.kind.to_owned(),
            actor_id: who.id,
            actor_name: who.name.to_string(),
            address: who.origin.address.map(|ip| ip.to_canonical().to_string()).unwrap_or_default(),
            action: format!("{kind}.{verb}"),
            object_kind: kind.to_owned(),
            object_id: id,
            object_name: name,
            before: before.map(|value| value.to_string()),
            after: after.map(|value| value.to_string()),
            request_id: who.origin.request_id.to_string(),
        };
        let is_for = |tenant: &TenantId| only.as_ref().is_none_or(|only| only.contains(tenant));
        for (tenant, head) in self.0.iter_mut().filter(|(tenant, _)| is_for(tenant)) {
            (entry.tenant, entry.seq) = (*tenant, head.seq + 1);
            *head = Head { seq: entry.seq, hash: link(&head.hash, &entry) };
            insert(txn, &entry, &head.hash).await?;
        }
        Ok(())
    }

    /// Writes down where the chains end now; nothing is added after this.
    pub(crate) async fn close(self, txn: &mut Txn) -> Result<(), StoreError> {
        for (tenant, head) in self.0.into_iter().filter(|(_, head)| head.seq > 0) {
            RAISE.bind(tenant).bind(head.seq).bind(&head.hash[..]).execute(txn).await?;
        }
        Ok(())
    }
}

async fn insert(txn: &mut Txn, entry: &Entry, hash: &Hash) -> Result<(), StoreError> {
    let insert = INSERT.bind(entry.tenant).bind(entry.seq).bind(entry.at);
    let insert = insert.bind(&entry.actor_kind).bind(entry.actor_id).bind(&entry.actor_name);
    let insert = insert.bind(&entry.address).bind(&entry.action).bind(&entry.object_kind);
    let insert = insert.bind(entry.object_id).bind(&entry.object_name);
    let insert = insert.bind(entry.before.clone()).bind(entry.after.clone());
    insert.bind(&entry.request_id).bind(&hash[..]).execute(txn).await?;
    Ok(())
}

/// The hash of a head as it is stored; empty before the first row.
pub(super) fn hash(stored: &[u8]) -> Result<Hash, StoreError> {
    if stored.is_empty() {
        return Ok(START);
    }
    let what = || StoreError::Corrupt { what: "a hash of the audit".to_owned() };
    stored.try_into().map_err(|_| what())
}
