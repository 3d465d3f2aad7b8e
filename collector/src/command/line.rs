//! The way to one connected agent: its gRPC service, on a pipe of its session.

use std::sync::Arc;

use farwatch_common::id::AgentId;
use farwatch_common::transport::{PipeKind, Session, channel_when_used};
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use tonic::transport::Channel;

/// Knows how agents are reached; the registry of sessions does.
pub trait Lines: Send + Sync {
    /// `None`: the agent is not connected to this process.
    fn line(&self, agent: AgentId) -> Option<Line>;
    /// Of every agent that is connected.
    fn lines(&self) -> Vec<Line>;
}

/// Calls to one agent while its connection lives: all share a pipe, which the first one opens. Cheap
/// to clone.
#[derive(Clone, Debug)]
pub struct Line {
    channel: Channel,
    connection: u64,
}

impl Line {
    #[must_use]
    pub fn new(session: Arc<dyn Session>, connection: u64) -> Self {
        Self { channel: channel_when_used(session, PipeKind::Reverse), connection }
    }

    #[must_use]
    pub fn client(&self) -> AgentControlClient<Channel> {
        AgentControlClient::new(self.channel.clone())
    }

    /// Number of the connection in this process.
    #[must_use]
    pub fn connection(&self) -> u64 {
        self.connection
    }

    #[cfg(test)]
    pub(crate) fn on(channel: Channel) -> Self {
        Self { channel, connection: 0 }
    }

    /// The same way, of another connection.
    #[cfg(test)]
    pub(crate) fn at(&self, connection: u64) -> Self {
        Self { channel: self.channel.clone(), connection }
    }

    /// For who only compares lines.
    #[cfg(test)]
    pub(crate) fn nowhere(connection: u64) -> Self {
        let endpoint = tonic::transport::Endpoint::from_static("http://127.0.0.1:1");
        Self { channel: endpoint.connect_lazy(), connection }
    }
}
