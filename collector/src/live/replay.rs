//! Core: tells anew what stored rows of a device told, as the live state does: for rules that are
//! tried.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Row;
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};

use super::Live;
use super::agent::{Link, Session};
use super::feed::{Observation, Told};
use super::layout::Layout;
use super::state::Fleet;
use super::view::LiveInterface;

/// One device, whose agent is there all the time: where it was not, there are no rows.
#[derive(Debug)]
pub struct Replay {
    fleet: Fleet,
}

impl Replay {
    /// `ports` as they are now: their speeds are not in the rows. `from`: before the first row.
    #[must_use]
    pub fn new(
        (tenant, agent, device): (TenantId, AgentId, DeviceId),
        interval_s: u32,
        ports: &[LiveInterface],
        metrics: BTreeSet<String>,
        from: Micros,
    ) -> Self {
        let mut fleet = Fleet::default();
        fleet.agent_added(tenant, agent, from);
        let session = Session {
            connection: 0,
            transport: "",
            remote: String::new(),
            since: from,
            link: Link::default(),
        };
        fleet.connected(agent, session, (String::new(), String::new()));
        fleet.device_added((tenant, agent, device), interval_s, from);
        let facts = |port: &LiveInterface| InterfaceFacts {
            index: port.index,
            speed_bps: port.speed_bps.unwrap_or(0),
            ..InterfaceFacts::default()
        };
        let interfaces = ports.iter().map(facts).collect();
        fleet.apply_table(InterfaceTable { device_id: device.0, interfaces }, from, from);
        fleet.feed.want(metrics);
        Self { fleet }
    }

    /// Takes the next row in the order of time; says what it told.
    pub fn take(&mut self, row: Row, layout: &Arc<Layout>) -> VecDeque<Observation> {
        let at = row.at;
        self.fleet.apply(row, layout, at);
        self.fleet.feed.take().observations
    }
}

impl Live {
    /// What is known now of these agents and devices of a tenant: states, ports, and these metrics.
    #[must_use]
    pub fn seen_now(
        &self,
        tenant: TenantId,
        (agents, devices): (&[AgentId], &[DeviceId]),
        metrics: BTreeSet<String>,
    ) -> Told {
        let now = self.shared.clock.now();
        self.fleet().seen_now(tenant, (agents, devices), metrics, now)
    }
}
