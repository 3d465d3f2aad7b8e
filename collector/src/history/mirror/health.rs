//! How the mirrors stand, for those whose configurations they hold.
//!
//! In: how each round and each push ended. Out: a state and what to do about it. Bound: an entry for
//! each tenant. On a crash it is gone: the first round after a start tells it anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;

const BEGINS: &str = "It is written within a minute.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorState {
    Ok,
    Waiting,
    /// There are no mirrors.
    Off,
}

/// How the mirror of a tenant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorHealth {
    pub state: MirrorState,
    /// What to do, where it waits.
    pub detail: Option<&'static str>,
    pub last_commit_at: Option<Micros>,
}

/// How something ended that was tried; what to do, where it failed.
type Ended = Result<(), &'static str>;

#[derive(Clone, Copy, Debug)]
struct Known {
    written: Ended,
    pushed: Ended,
    last_commit_at: Option<Micros>,
}

impl Default for Known {
    fn default() -> Self {
        Self { written: Err(BEGINS), pushed: Ok(()), last_commit_at: None }
    }
}

/// How all stand. Cheap to clone; the default: there are none.
#[derive(Clone, Debug, Default)]
pub struct Mirrors(Option<Arc<Mutex<BTreeMap<TenantId, Known>>>>);

impl Mirrors {
    /// There are some.
    #[must_use]
    pub(super) fn on() -> Self {
        Self(Some(Arc::default()))
    }

    fn known(&self) -> Option<MutexGuard<'_, BTreeMap<TenantId, Known>>> {
        let known = self.0.as_ref()?;
        Some(known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, tenant: TenantId, note: impl FnOnce(&mut Known)) {
        if let Some(mut known) = self.known() {
            note(known.entry(tenant).or_default());
        }
    }

    pub(super) fn written(&self, tenant: TenantId, ended: Ended) {
        self.note(tenant, |known| known.written = ended);
    }

    pub(super) fn pushed(&self, tenant: TenantId, ended: Ended) {
        self.note(tenant, |known| known.pushed = ended);
    }

    /// The time of its last commit, which has whole seconds.
    pub(super) fn committed(&self, tenant: TenantId, at: Micros) {
        let at = Micros(at.0 - at.0.rem_euclid(Micros::SECOND));
        self.note(tenant, |known| known.last_commit_at = Some(at));
    }

    /// Forgets tenants that are gone.
    pub(super) fn keep(&self, is_there: impl Fn(TenantId) -> bool) {
        if let Some(mut known) = self.known() {
            known.retain(|tenant, _| is_there(*tenant));
        }
    }

    #[must_use]
    pub fn of(&self, tenant: TenantId) -> MirrorHealth {
        let Some(known) = self.known() else {
            return MirrorHealth { state: MirrorState::Off, detail: None, last_commit_at: None };
        };
        let Known { written, pushed, last_commit_at } =
            known.get(&tenant).copied().unwrap_or_default();
        let detail = written.and(pushed).err();
        let state = if detail.is_none() { MirrorState::Ok } else { MirrorState::Waiting };
        MirrorHealth { state, detail, last_commit_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_is_gone_is_forgotten() {
        let (mirrors, at) = (Mirrors::on(), Micros(3 * Micros::SECOND));
        for tenant in [TenantId(1), TenantId(2)] {
            mirrors.committed(tenant, at);
        }
        mirrors.keep(|tenant| tenant == TenantId(2));
        assert_eq!(mirrors.of(TenantId(1)).last_commit_at, None);
        assert_eq!(mirrors.of(TenantId(1)).detail, Some(BEGINS));
        assert_eq!(mirrors.of(TenantId(2)).last_commit_at, Some(at));
    }
}
