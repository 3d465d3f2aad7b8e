//! What a queued job waits for.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, SiteId, TenantId};

use super::Job;
use crate::history::policy::PER_AGENT_MAX;
use crate::history::schedule::Reason;
use crate::identity::TenantContext;
use crate::inventory::tenant_set;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    AgentOffline,
    Window,
    SiteFull,
}

/// How many jobs are running, of each agent at each site.
#[derive(Clone, Debug, Default)]
pub struct Running(BTreeMap<(TenantId, SiteId, AgentId), u32>);

sql! { pub(crate) RUNNING =
    "SELECT r.tenant_id, r.site_id, r.agent_id, COUNT(*) FROM config_job r
     WHERE r.state = 'running' AND r.tenant_id IN ", tenant_set!(),
    " GROUP BY r.tenant_id, r.site_id, r.agent_id"
}

impl Running {
    /// In the caller's tenants.
    pub async fn read(db: &Database, context: &TenantContext) -> Result<Self, StoreError> {
        let query = RUNNING.bind(context.tenants_json());
        let rows = query.all(&mut db.read(context).await?).await?;
        let one = |row: &Row| {
            let of = (TenantId(row.get(0)?), SiteId(row.get(1)?), AgentId(row.get(2)?));
            Ok((of, u32::try_from(row.get::<i64>(3)?).unwrap_or(u32::MAX)))
        };
        rows.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this job, of an agent that is there, finds its site or its agent full. What runs at agents
    /// that are away holds up no other agent of the site.
    fn is_full(&self, job: &Job, is_there: impl Fn(AgentId) -> bool) -> bool {
        let of_tenant = self.0.iter().filter(|((tenant, ..), _)| *tenant == job.tenant.id);
        let (mut at_site, mut at_agent) = (0_u32, 0_u32);
        for ((_, site, agent), running) in of_tenant {
            if *site == job.site.id && is_there(*agent) {
                at_site = at_site.saturating_add(*running);
            }
            if *agent == job.agent.id {
                at_agent = at_agent.saturating_add(*running);
            }
        }
        at_site >= job.policy.per_site_max || at_agent >= PER_AGENT_MAX
    }
}

impl Job {
    /// What it waits for, if it is queued and cannot go yet.
    #[must_use]
    pub fn waits(
        &self,
        running: &Running,
        is_there: impl Fn(AgentId) -> bool,
        now: Micros,
    ) -> Option<Waits> {
        if !self.is_queued() {
            return None;
        }
        if !is_there(self.agent.id) {
            return Some(Waits::AgentOffline);
        }
        // Whoever asks for it now wants it now.
        if self.reason != Reason::Manual && !self.policy.plan().is_open(now) {
            return Some(Waits::Window);
        }
        running.is_full(self, is_there).then_some(Waits::SiteFull)
    }
}
