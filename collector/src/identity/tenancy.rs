//! The only key to the store: who asks, and which tenants they may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ApiKeyId, ScreenId, TenantId, UserId};

use super::IdentityKey;
use crate::audit::{INSTALLATION, Origin, Who};
use crate::store::sql::{Row, sql};
use crate::store::txn::{Scope, Write};
use crate::store::{AccessError, Database, StoreError, Txn};

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
    /// A screen on the wall, which changes nothing.
    Screen(ScreenId),
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
    /// What the actor is called, for the audit.
    name: Arc<str>,
    origin: Origin,
    /// May make tenants and see new ones.
    super_admin: bool,
    tenants: BTreeMap<TenantId, Access>,
    /// Until when what they hold in a tenant is theirs, where that is by a staff grant.
    granted: BTreeMap<TenantId, Micros>,
}

impl TenantContext {
    /// For `identity`, which has looked who asks.
    pub(super) fn new(
        (actor, name): (Actor, &str),
        super_admin: bool,
        tenants: impl IntoIterator<Item = (TenantId, Access)>,
    ) -> Self {
        let tenants = tenants.into_iter().collect();
        let (origin, granted) = (Origin::default(), BTreeMap::new());
        Self { actor, name: name.into(), origin, super_admin, tenants, granted }
    }

    /// The same caller with what staff grants add, each until its end.
    pub(super) fn with_grants(
        mut self,
        grants: impl IntoIterator<Item = (TenantId, Access, Micros)>,
    ) -> Self {
        for (tenant, access, until) in grants {
            match self.access(tenant) {
                Some(held) if held > access => {}
                // Of two grants of the same the later counts; a membership outlives both.
                Some(held) if held == access => {
                    self.granted.entry(tenant).and_modify(|end| *end = until.max(*end));
                }
                _ => {
                    self.tenants.insert(tenant, access);
                    self.granted.insert(tenant, until);
                }
            }
        }
        self
    }

    /// Until when the caller holds what they hold in this tenant, if that is by a staff grant.
    #[must_use]
    pub fn granted_until(&self, tenant: TenantId) -> Option<Micros> {
        self.granted.get(&tenant).copied()
    }

    /// When the first of the caller's grants ends.
    #[must_use]
    pub fn first_grant_ends(&self) -> Option<Micros> {
        self.granted.values().min().copied()
    }

    /// What the caller may do in this tenant.
    #[must_use]
    pub fn access(&self, tenant: TenantId) -> Option<Access> {
        self.tenants.get(&tenant).copied()
    }

    /// The same caller, asking from there.
    #[must_use]
    pub fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The caller as the audit names them.
    #[must_use]
    pub fn who(&self) -> Who {
        let (kind, id) = match self.actor {
            Actor::User(id) => ("user", id.0),
            Actor::ApiKey(id) => ("api_key", id.0),
            Actor::Screen(id) => ("screen", id.0),
            Actor::Agent(id) => ("agent", id.0),
            Actor::Local => ("local", 0),
        };
        Who { kind, id, name: Arc::clone(&self.name), origin: self.origin.clone() }
    }

    #[cfg(test)]
    pub(crate) fn of(
        actor: Actor,
        super_admin: bool,
        tenants: impl IntoIterator<Item = (TenantId, Access)>,
    ) -> Self {
        Self::new((actor, "somebody"), super_admin, tenants)
    }

    /// Sees no row of anybody: enough to ask whether the database answers.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new((Actor::Local, ""), false, [])
    }

    /// The command line on this machine: everything in all tenants there are.
    pub async fn local(db: &Database) -> Result<Self, StoreError> {
        let mut txn = db.identity_read(IdentityKey::new()).await?;
        let all = all_tenants(&mut txn).await?;
        Ok(Self::new((Actor::Local, "command line"), true, all))
    }

    /// Where a change of the caller's own account shows: in the tenants they are a member of. Of who
    /// sees all tenants, in the installation's chain alone.
    #[must_use]
    pub fn homes(&self) -> BTreeSet<TenantId> {
        if self.super_admin { BTreeSet::new() } else { self.tenants().collect() }
    }

    /// The same caller, narrowed to the chains of the audit they may read: of the tenants they
    /// administer, and the installation's for who sees all.
    #[must_use]
    pub fn for_audit(&self) -> Self {
        let mut narrowed = self.with_access(Access::Admin);
        if self.super_admin {
            narrowed.tenants.insert(INSTALLATION, Access::Read);
        }
        narrowed
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
        let tenants = BTreeMap::from([(tenant, Access::Admin)]);
        self.super_admin.then(|| Self { tenants, ..self.clone() })
    }

    /// The tenants as a JSON array, for `tenant_id IN (SELECT value FROM json_each($1))`.
    #[must_use]
    pub fn tenants_json(&self) -> String {
        let ids: Vec<String> = self.tenants.keys().map(|tenant| tenant.0.to_string()).collect();
        format!("[{}]", ids.join(","))
    }
}

sql! { pub(crate) ALL_TENANTS = "SELECT tenant_id FROM tenant" }

sql! { pub(crate) OTHER_NAMES =
    "SELECT name FROM tenant WHERE tenant_id <> $1 ORDER BY tenant_id"
}

/// Begins a change of a tenant that the others have to do with, and tells their names. The
/// installation's chain is locked: of two such changes the second waits, and sees the first.
pub async fn tenants_change(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
) -> Result<(Write, Vec<String>), AccessError> {
    let key = IdentityKey::new();
    let mut txn = db.identity_change_beyond(key, context, tenant, []).await?;
    let rows = OTHER_NAMES.bind(tenant).all(&mut txn).await?;
    let names = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let scope = Scope::app_in([INSTALLATION, tenant].into());
    txn.switch(IdentityKey::new(), scope).await?;
    Ok((txn, names))
}

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
    fn a_grant_adds_and_never_takes_away() {
        let [one, two, three] = [1, 2, 3].map(TenantId);
        let context =
            TenantContext::of(Actor::Local, false, [(one, Access::Admin), (two, Access::Read)]);
        let context = context.with_grants([
            (one, Access::Write, Micros(9)),
            (two, Access::Write, Micros(7)),
            (two, Access::Read, Micros(8)),
            (three, Access::Read, Micros(5)),
            (three, Access::Read, Micros(6)),
        ]);
        assert_eq!(context.access(one), Some(Access::Admin));
        assert_eq!(context.access(two), Some(Access::Write));
        assert_eq!(context.granted_until(one), None);
        assert_eq!(context.granted_until(two), Some(Micros(7)));
        assert_eq!(context.granted_until(three), Some(Micros(6)));
        assert_eq!(context.first_grant_ends(), Some(Micros(6)));
    }

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
