//! Transactions: the only place where statements run, each with a role and a set of tenants.
//!
//! - in: a [`TenantContext`], or a key that only `identity` and `ingest` can make
//! - out: a [`Txn`] that has its role and tenants; on PostgreSQL the server holds them too
//! - bound: one per task at a time, handed down as `&mut`: who waits for a second one while
//!   holding the first can wait for ever
//! - when full: waits for a connection, then fails as retryable
//! - on crash: nothing of an uncommitted transaction stays

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use sqlx::{Postgres, Sqlite, Transaction};

use super::database::Failures;
use super::sql::Sql;
use super::{Database, Engine, StoreError};
use crate::audit::write::Chains;
use crate::audit::{Change, INSTALLATION, Who};
use crate::evaluate::key::EvaluateKey;
use crate::history::HistoryKey;
use crate::identity::{Access, IdentityKey, TenantContext};
use crate::ingest::IngestKey;
use crate::notify::NotifyKey;
use crate::notify::outbox::Known;
use crate::scan::ScanKey;

/// Who the statements of a transaction run as: a role of its own with its own grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// On behalf of a caller: what `farwatch_app` may, in the caller's tenants.
    App,
    /// Batches of agents, in their tenants.
    Ingest,
    /// Accounts, sessions, keys and tokens: across tenants, and nothing else.
    Identity,
}

impl Role {
    /// The role's name in PostgreSQL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "farwatch_app",
            Self::Ingest => "farwatch_ingest",
            Self::Identity => "farwatch_identity",
        }
    }
}

/// A role and the tenants whose rows it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    role: Role,
    tenants: BTreeSet<TenantId>,
}

impl Scope {
    /// As a caller who may act in one tenant.
    #[must_use]
    pub fn app(tenant: TenantId) -> Self {
        Self { role: Role::App, tenants: BTreeSet::from([tenant]) }
    }

    /// As a caller who may act in all these.
    #[must_use]
    pub fn app_in(tenants: BTreeSet<TenantId>) -> Self {
        Self { role: Role::App, tenants }
    }

    /// As `identity`, whose tables are not divided by tenants.
    #[must_use]
    pub fn identity() -> Self {
        Self { role: Role::Identity, tenants: BTreeSet::new() }
    }

    /// As who stores what agents of these tenants send.
    pub(super) fn ingest(tenants: BTreeSet<TenantId>) -> Self {
        Self { role: Role::Ingest, tenants }
    }

    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The tenants as PostgreSQL writes an array.
    pub(super) fn tenants_array(&self) -> String {
        let mut array = String::from("{");
        for (index, tenant) in self.tenants.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a String does not fail.
            let _ = write!(array, "{comma}{}", tenant.0);
        }
        array.push('}');
        array
    }
}

/// What a transaction may do to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Reads one snapshot.
    Read,
    Write,
}

/// The transaction of the engine's driver.
pub(super) enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A transaction. Nothing is kept unless `commit` is called; a reading one is dropped.
pub struct Txn {
    inner: Inner,
    scope: Scope,
    /// A statement failed, was cut short or is running. PostgreSQL answers COMMIT of such a
    /// transaction with a ROLLBACK that the driver takes for success; SQLite would keep the rest.
    failed: bool,
    failures: Failures,
    /// What `notify` has read in it.
    known: Known,
    #[cfg(test)]
    pub(super) ran: super::sql::ran::Ran,
}

impl Txn {
    pub(super) fn new(inner: Inner, scope: Scope, failures: Failures) -> Self {
        Self {
            inner,
            scope,
            failed: false,
            failures,
            known: Known::default(),
            #[cfg(test)]
            ran: super::sql::ran::Ran::default(),
        }
    }

    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Keeps what was written; refused after a statement that failed, whoever swallowed it.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        let committed = match self.inner {
            Inner::Sqlite(inner) => inner.commit().await,
            Inner::Postgres(inner) => inner.commit().await,
        };
        committed.map_err(|error| self.failures.told(error))
    }

    /// Goes on as another role, with other tenants, in the same transaction.
    pub async fn switch(&mut self, _: IdentityKey, to: Scope) -> Result<(), StoreError> {
        self.enter()?;
        if let Inner::Postgres(inner) = &mut self.inner {
            super::database::postgres::assume(inner, &to).await?;
        }
        self.failed = false;
        self.scope = to;
        Ok(())
    }

    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) fn known(&mut self) -> &mut Known {
        &mut self.known
    }

    pub(super) fn inner(&mut self) -> &mut Inner {
        &mut self.inner
    }

    /// For tests that go past roles and tenants.
    #[cfg(test)]
    pub(super) fn into_inner(self) -> Inner {
        self.inner
    }

    /// Before a statement: both engines refuse all that follows a failed one, as PostgreSQL does.
    pub(super) fn enter(&mut self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        self.failed = true;
        Ok(())
    }

    /// After a statement.
    pub(super) fn leave<T>(
        &mut self,
        sql: &'static Sql,
        result: Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        match result {
            Ok(value) => {
                self.failed = false;
                Ok(value)
            }
            Err(error) => {
                tracing::debug!(statement = %sql, %error, "a statement failed");
                Err(self.failures.told(error))
            }
        }
    }
}

/// A change by a caller who may make it, under the lock of its tenant: what is counted in it stays
/// true until it is kept.
pub struct Write {
    txn: Txn,
    tenant: TenantId,
    who: Who,
    chains: Chains,
}

impl Write {
    /// The tenant that is changed: what the statements bind.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Keeps what was written, with a row of the audit for each change; none, only where nothing
    /// came to be changed.
    pub async fn commit(
        mut self,
        changes: impl IntoIterator<Item = Change>,
        at: Micros,
    ) -> Result<(), StoreError> {
        for change in changes {
            self.chains.add(&mut self.txn, &self.who, change, at).await?;
        }
        self.chains.close(&mut self.txn).await?;
        self.txn.commit().await
    }
}

impl Deref for Write {
    type Target = Txn;

    fn deref(&self) -> &Txn {
        &self.txn
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Txn {
        &mut self.txn
    }
}

/// Why a change does not begin.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The tenant is not the caller's, or there is none: the two look the same.
    #[error("there is no such thing in the tenants of the caller")]
    NotFound,
    #[error("the caller's role does not allow this")]
    Denied,
    #[error("the database does not begin a change")]
    Store(#[from] StoreError),
}

fn hold(context: &TenantContext, tenant: TenantId, access: Access) -> Result<(), AccessError> {
    if !context.may(tenant, Access::Read) {
        return Err(AccessError::NotFound);
    }
    if context.may(tenant, access) { Ok(()) } else { Err(AccessError::Denied) }
}

impl Database {
    /// Begins to read in the tenants of the caller; all statements see one snapshot.
    pub async fn read(&self, context: &TenantContext) -> Result<Txn, StoreError> {
        let scope = Scope { role: Role::App, tenants: context.tenants().collect() };
        self.begin(Mode::Read, scope).await
    }

    /// Begins a change in one tenant, if the caller has that access there.
    pub async fn change(
        &self,
        context: &TenantContext,
        tenant: TenantId,
        access: Access,
    ) -> Result<Write, AccessError> {
        hold(context, tenant, access)?;
        Ok(self.begin_change(Scope::app(tenant), context.who(), &[tenant].into()).await?)
    }

    /// The same as `identity`: keys, tokens and memberships of one tenant. Who is in it by a staff
    /// grant hands out nothing as its administrator: that would outlive the grant.
    pub async fn identity_change(
        &self,
        _: IdentityKey,
        context: &TenantContext,
        tenant: TenantId,
        access: Access,
    ) -> Result<Write, AccessError> {
        let chains = [tenant].into();
        self.identity_change_in(context, (tenant, access), &chains).await
    }

    /// The same by an administrator, for what may end more than is in the tenant: the chains of the
    /// installation and of `others` are locked too.
    pub async fn identity_change_beyond(
        &self,
        _: IdentityKey,
        context: &TenantContext,
        tenant: TenantId,
        others: impl IntoIterator<Item = TenantId>,
    ) -> Result<Write, AccessError> {
        let chains = [INSTALLATION, tenant].into_iter().chain(others).collect();
        self.identity_change_in(context, (tenant, Access::Admin), &chains).await
    }

    async fn identity_change_in(
        &self,
        context: &TenantContext,
        (tenant, access): (TenantId, Access),
        chains: &BTreeSet<TenantId>,
    ) -> Result<Write, AccessError> {
        hold(context, tenant, access)?;
        if access == Access::Admin && context.granted_until(tenant).is_some() {
            return Err(AccessError::Denied);
        }
        let write = self.begin_change(Scope::identity(), context.who(), chains).await?;
        Ok(Write { tenant, ..write })
    }

    /// Begins a change of what belongs to no tenant; only those may who see all.
    pub async fn installation_change(
        &self,
        _: IdentityKey,
        context: &TenantContext,
    ) -> Result<Write, AccessError> {
        if !context.is_super_admin() {
            return Err(AccessError::Denied);
        }
        let chain = BTreeSet::from([INSTALLATION]);
        Ok(self.begin_change(Scope::identity(), context.who(), &chain).await?)
    }

    /// Begins a change of what is a person's own, which shows in all these tenants; in the
    /// installation's chain where there are none.
    pub async fn own_change(
        &self,
        _: IdentityKey,
        who: Who,
        mut tenants: BTreeSet<TenantId>,
    ) -> Result<Write, StoreError> {
        if tenants.is_empty() {
            tenants.insert(INSTALLATION);
        }
        self.begin_change(Scope::identity(), who, &tenants).await
    }

    async fn begin_change(
        &self,
        scope: Scope,
        who: Who,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Write, StoreError> {
        let mut txn = self.begin(Mode::Write, scope).await?;
        let chains = Chains::lock(&mut txn, tenants).await?;
        let tenant = tenants.first().copied().unwrap_or(INSTALLATION);
        Ok(Write { txn, tenant, who, chains })
    }

    /// Begins to read accounts, sessions, keys and tokens, before anybody is known.
    pub async fn identity_read(&self, _: IdentityKey) -> Result<Txn, StoreError> {
        self.begin(Mode::Read, Scope::identity()).await
    }

    /// Begins to change them.
    pub async fn identity(&self, _: IdentityKey) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::identity()).await
    }

    /// Begins to read what is stored for agents of these tenants.
    pub async fn ingest_read(
        &self,
        _: IngestKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Read, Scope::ingest(tenants.clone())).await
    }

    /// Begins to store what agents of these tenants sent.
    pub async fn ingest(
        &self,
        _: IngestKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::ingest(tenants.clone())).await
    }

    /// Begins to read what is looked for in these tenants, and where.
    pub async fn evaluate_read(
        &self,
        _: EvaluateKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Read, Scope::ingest(tenants.clone())).await
    }

    /// Begins to keep what was found in these tenants, as who stores what their agents sent.
    pub async fn evaluate(
        &self,
        _: EvaluateKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::ingest(tenants.clone())).await
    }

    /// Begins to write what became of notifications of these tenants.
    pub async fn notify(
        &self,
        _: NotifyKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::ingest(tenants.clone())).await
    }

    /// Begins to read what is fetched from devices of these tenants, and how.
    pub async fn history_read(
        &self,
        _: HistoryKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Read, Scope::ingest(tenants.clone())).await
    }

    /// Begins to write what is fetched from devices of these tenants.
    pub async fn history(
        &self,
        _: HistoryKey,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::ingest(tenants.clone())).await
    }

    /// Begins to write what a scan of a tenant has found, on behalf of who asked for it.
    pub async fn scan(&self, _: ScanKey, tenant: TenantId) -> Result<Txn, StoreError> {
        self.begin(Mode::Write, Scope::app(tenant)).await
    }
}
