//! The only key to the store: who asks, and which tenants they may see.

use std::collections::BTreeMap;

use farwatch_common::id::{ApiKeyId, TenantId, UserId};

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
    #[must_use]
    pub fn new(
        actor: Actor,
        super_admin: bool,
        tenants: impl IntoIterator<Item = (TenantId, Access)>,
    ) -> Self {
        Self { actor, super_admin, tenants: tenants.into_iter().collect() }
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

    /// The tenants as a JSON array, for `tenant_id IN (SELECT value FROM json_each($1))`.
    #[must_use]
    pub fn tenants_json(&self) -> String {
        let ids: Vec<String> = self.tenants.keys().map(|tenant| tenant.0.to_string()).collect();
        format!("[{}]", ids.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_never_widens() {
        let (one, two) = (TenantId(1), TenantId(2));
        let context = TenantContext::new(Actor::Local, false, [(one, Access::Read)]);
        assert!(context.may(one, Access::Read));
        assert!(!context.may(one, Access::Write));
        assert_eq!(context.narrowed(two).tenants().count(), 0);
        assert_eq!(context.narrowed(one).tenants_json(), "[1]");
    }
}
