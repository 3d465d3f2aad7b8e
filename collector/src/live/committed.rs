//! What was committed, and what of it is written down to start from.

use std::sync::Arc;

use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Group, Row};

use super::Live;
use super::layout::Layout;
use super::state::Fleet;
use crate::store::samples::{Checkpoint, Fact, is_loss};

/// What a committed batch brings.
#[derive(Debug)]
pub struct Committed {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub rows: Vec<(Row, Arc<Layout>)>,
    pub facts: Vec<Fact>,
}

impl Live {
    /// Takes what was committed. Rows of what was so long ago are history: screens and alerts are of
    /// now. What devices say they are is sent when it changes, so that an old word may be the last.
    pub fn apply(&self, committed: impl IntoIterator<Item = Committed>) {
        self.change(|fleet, now| {
            for Committed { tenant, agent, rows, facts } in committed {
                fleet.with_agent(agent, now, |agent| {
                    agent.heard(now);
                    agent.acked(now);
                });
                let ours = |fleet: &Fleet, id| fleet.owner(id) == Some((tenant, agent));
                for (row, layout) in rows {
                    if !ours(fleet, row.device) {
                        continue;
                    }
                    if fleet.is_late(&row, now) {
                        fleet.late += 1;
                    } else {
                        fleet.apply(row, &layout, now);
                    }
                }
                for fact in facts {
                    match fact {
                        Fact::Device(at, facts) if ours(fleet, DeviceId(facts.device_id)) => {
                            fleet.apply_facts(&facts, at, now);
                        }
                        Fact::Interfaces(at, table) if ours(fleet, DeviceId(table.device_id)) => {
                            fleet.apply_table(table, at, now);
                        }
                        Fact::Objects(at, table) if ours(fleet, DeviceId(table.device_id)) => {
                            fleet.apply_objects(&table, at);
                        }
                        Fact::Gap(gap) if !is_loss(gap.reason) => {}
                        Fact::Gap(_) | Fact::Dropped(_) => {
                            fleet.with_agent(agent, now, |agent| agent.lost(now));
                        }
                        Fact::Device(..) | Fact::Interfaces(..) | Fact::Objects(..) => {}
                    }
                }
            }
        });
    }

    /// The last rows of an agent's devices, to start from after a restart.
    #[must_use]
    pub fn checkpoints(&self, tenant: TenantId, agent: AgentId) -> Vec<Checkpoint> {
        let fleet = self.fleet();
        let all = Group::ALL.map(|group| (group, fleet.last_rows(agent, group)));
        let newest = all.iter().filter_map(|(_, (at, _))| *at).max();
        let one = |(group, (at, rows))| {
            // A group of which nothing is left is written down too: else its mark would stay, and
            // each start would read all that came since.
            let at = Option::or(at, newest)?;
            Some(Checkpoint { tenant, agent, group, at, rows })
        };
        all.into_iter().filter_map(one).collect()
    }

    /// The layout of each table of each device that was heard: a series for each of its columns.
    pub fn series(&self, mut each: impl FnMut(TenantId, DeviceId, &Arc<Layout>)) {
        let agents = self.fleet().agents();
        for (tenant, agent) in agents {
            let rows = self.checkpoints(tenant, agent).into_iter().flat_map(|known| known.rows);
            for row in rows {
                if let Some(layout) = self.layout(tenant, row.schema) {
                    each(tenant, row.device, &layout);
                }
            }
        }
    }
}
