//! The agent at the other end of a connection, as its certificate and our database say.

use std::net::SocketAddr;
use std::sync::Arc;

use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::transport::{Carrier, Session};

use super::tenancy::{Access, Actor, TenantContext};
use crate::audit::Origin;

/// Made once per accepted connection, handed to every handler as a request extension.
/// Nothing in it comes from a message of the agent.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    pub tenant: TenantId,
    pub site: SiteId,
    pub agent: AgentId,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo.
    pub key_hash: [u8; 32],
    pub remote: Remote,
    pub transport: Carrier,
    /// Number of this connection in this process: rises, so the newer of two sessions is known.
    pub connection: u64,
}

/// Where a peer is. Over QUIC it may move while its connection lives (RFC 9000 §9).
#[derive(Clone, Debug)]
pub enum Remote {
    At(SocketAddr),
    Of(Arc<dyn Session>),
}

impl Remote {
    #[must_use]
    pub fn now(&self) -> SocketAddr {
        match self {
            Self::At(address) => *address,
            Self::Of(session) => session.remote(),
        }
    }
}

impl PeerInfo {
    /// What the agent asks the inventory as.
    #[must_use]
    pub fn context(&self) -> TenantContext {
        let actor = (Actor::Agent(self.agent), "agent");
        let origin = Origin { address: Some(self.remote.now().ip()), ..Origin::default() };
        TenantContext::new(actor, false, [(self.tenant, Access::Write)]).from(origin)
    }
}
