//! The only key to the store: who asks, and which tenants they may see.

use std::collections::BTreeMap;

use farwatch_common::id::{AgentId, ApiKeyId, TenantId, UserId};

use super::IdentityKey;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// What a caller may do in one tenant; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    Read,
    Write,
    Admin,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
    /// An agent, for what it is to poll.
    Agent(AgentId),
    /// The command line on the collector's own machine.
    Local,
}

/// Every call to the store on behalf of somebody carries one. It holds a *set* of tenants, because
/// NOC staff watch many at once: reads span the set, a write names one of it.
#[derive(Clone, Debug)]
pub struct TenantContext {
    actor: Actor,
    /// May make tenants and see new ones.
    super_admin: bool,
    tenants: BTreeMap<TenantId, Access>,
}

impl TenantContext {
    /// For `identity`, which has looked who asks.
    pub(super) fn new(
        actor: Actor,
        super_admin: bool,
        tenants: impl IntoIterator<Item = (TenantId, Access)>,
    ) -> Self {
        Self { actor, super_admin, tenants: tenants.into_iter().collect() }
    }

    #[cfg(test)]
    pub(crate) fn of(
        actor: Actor,
        super_admin: bool,
        tenants: impl IntoIterator<Item = (TenantId, Access)>,
    ) -> Self {
        Self::new(actor, super_admin, tenants)
    }

    /// Sees no row of anybody: enough to ask whether the database answers.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(Actor::Local, false, [])
    }

    /// The command line on this machine: everything in all tenants there are.
    pub async fn local(db: &Database) -> Result<Self, StoreError> {
        let mut txn = db.identity_read(IdentityKey::new()).await?;
        let all = all_tenants(&mut txn).await?;
        Ok(Self::new(Actor::Local, true, all))
    }

    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    #[must_use]
    pub fn is_super_admin(&self) -> bool {
        self.super_admin
    }

    /// The tenants of this caller, in order of their ids.
    pub fn tenants(&self) -> impl Iterator<Item = TenantId> + '_ {
        self.tenants.keys().copied()
    }

    #[must_use]
    pub fn may(&self, tenant: TenantId, access: Access) -> bool {
        self.tenants.get(&tenant).is_some_and(|granted| *granted >= access)
    }

    /// The same caller, narrowed to one tenant; to none if it is not theirs.
    #[must_use]
    pub fn narrowed(&self, tenant: TenantId) -> Self {
        let mut narrowed = self.clone();
        narrowed.tenants.retain(|known, _| *known == tenant);
        narrowed
    }

    /// The same caller, narrowed to the tenants where they may do this.
    #[must_use]
    pub fn with_access(&self, access: Access) -> Self {
        let mut narrowed = self.clone();
        narrowed.tenants.retain(|_, granted| *granted >= access);
        narrowed
    }

    /// The same caller in a tenant that they are about to make; only those may who see all.
    #[must_use]
    pub fn founding(&self, tenant: TenantId) -> Option<Self> {
        let made = || Self::new(self.actor.clone(), true, [(tenant, Access::Admin)]);
        self.super_admin.then(made)
    }

    /// The tenants as a JSON array, for `tenant_id IN (SELECT value FROM json_each($1))`.
    #[must_use]
    pub fn tenants_json(&self) -> String {
        let ids: Vec<String> = self.tenants.keys().map(|tenant| tenant.0.to_string()).collect();
        format!("[{}]", ids.join(","))
    }
}

sql! { pub(crate) ALL_TENANTS = "SELECT tenant_id FROM tenant" }

/// What somebody holds who sees all tenants.
pub(super) async fn all_tenants(txn: &mut Txn) -> Result<Vec<(TenantId, Access)>, StoreError> {
    let rows = ALL_TENANTS.query().all(txn).await?;
    let read = |row: &Row| Ok((TenantId(row.get(0)?), Access::Admin));
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_never_widens() {
        let (one, two) = (TenantId(1), TenantId(2));
        let context = TenantContext::of(Actor::Local, false, [(one, Access::Read)]);
        assert!(context.may(one, Access::Read));
        assert!(!context.may(one, Access::Write));
        assert_eq!(context.narrowed(two).tenants().count(), 0);
        assert_eq!(context.narrowed(one).tenants_json(), "[1]");
        assert!(context.founding(two).is_none());
        assert_eq!(TenantContext::nobody().tenants().count(), 0);
    }
}
