//! What sessions of agents tell.

use farwatch_common::id::AgentId;
use farwatch_proto::v1::{Heartbeat, LinkStatus};

use super::Live;
use super::agent::{Link, Session};
use crate::identity::PeerInfo;

impl Live {
    pub fn agent_connected(
        &self,
        peer: &PeerInfo,
        (version, platform): (String, String),
        link: Option<&LinkStatus>,
    ) {
        self.change(|fleet, now| {
            let mut session = Session {
                connection: peer.connection,
                transport: peer.transport.name(),
                remote: peer.remote.now().to_string(),
                since: now,
                link: Link::default(),
            };
            if let Some(link) = link {
                session.link.told(link);
            }
            fleet.connected(peer.agent, session, (version, platform));
        });
    }

    pub fn agent_disconnected(&self, peer: &PeerInfo) {
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.disconnected(peer.connection, now));
        });
    }

    /// The agent says that its process stops.
    pub fn agent_stopped(&self, peer: &PeerInfo) {
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.stopped(peer.connection, now));
        });
    }

    /// Two hosts run as this agent: to be said again while it is so.
    pub fn agent_cloned(&self, id: AgentId) {
        self.change(|fleet, now| fleet.with_agent(id, now, |agent| agent.cloned(now)));
    }

    pub fn agent_heard(&self, id: AgentId) {
        self.change(|fleet, now| fleet.heard(id, now));
    }

    /// What a heartbeat tells, of the session of `peer`.
    pub fn agent_beat(&self, peer: &PeerInfo, beat: &Heartbeat) {
        let session = (peer.connection, peer.remote.now());
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.beat(session, beat, now));
        });
    }
}
