//! The way to one connected agent: its gRPC service, on a pipe of its session.

use std::fmt;
use std::sync::Arc;

use farwatch_common::id::AgentId;
use farwatch_common::transport::{Carrier, PipeKind, Session, channel_when_used};
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use tonic::transport::Channel;

/// Knows how agents are reached; the registry of sessions does.
pub trait Lines: Send + Sync {
    /// `None`: the agent is not connected to this process.
    fn line(&self, agent: AgentId) -> Option<Line>;
    /// Of every agent that is connected.
    fn lines(&self) -> Vec<Line>;
}

/// Calls to one agent while its connection lives. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Line {
    way: Way,
    connection: u64,
}

#[derive(Clone)]
enum Way {
    /// All calls share a pipe, which the first one opens.
    Shared(Channel),
    /// Each call opens a pipe.
    Apart(Arc<dyn Session>),
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "Shared",
            Self::Apart(_) => "Apart",
        })
    }
}

impl Line {
    /// In QUIC a pipe costs nothing, and HTTP/2 that waits for the next call 60 KB; on TCP a pipe is a
    /// connection that the agent dials.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, connection: u64) -> Self {
        let way = match session.carrier() {
            Carrier::Quic => Way::Apart(session),
            Carrier::Tcp => Way::Shared(channel_when_used(session, PipeKind::Reverse)),
        };
        Self { way, connection }
    }

    #[must_use]
    pub fn client(&self) -> AgentControlClient<Channel> {
        AgentControlClient::new(match &self.way {
            Way::Shared(channel) => channel.clone(),
            Way::Apart(session) => channel_when_used(Arc::clone(session), PipeKind::Reverse),
        })
    }

    /// Number of the connection in this process.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.connection
    }

    #[cfg(test)]
    pub(crate) fn on(channel: Channel) -> Self {
        Self { way: Way::Shared(channel), connection: 0 }
    }

    /// The same way, of another connection.
    #[cfg(test)]
    pub(crate) fn at(&self, connection: u64) -> Self {
        Self { way: self.way.clone(), connection }
    }

    /// For who only compares lines.
    #[cfg(test)]
    pub(crate) fn nowhere(connection: u64) -> Self {
        let endpoint = tonic::transport::Endpoint::from_static("http://127.0.0.1:1");
        Self { way: Way::Shared(endpoint.connect_lazy()), connection }
    }
}
