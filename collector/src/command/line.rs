//! The way to one connected agent: its gRPC service, on a pipe of its session.

use std::sync::Arc;

use farwatch_common::id::AgentId;
use farwatch_common::task::chain;
use farwatch_common::transport::{Carrier, PipeKind, Session, channel_in_place, channel_when_used};
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::transport::Channel;

/// Pipes to one agent at once: more calls than one gets at a time, and an end to those that it leaves open.
const PIPES_MAX: usize = 8;

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

#[derive(Clone, Debug)]
enum Way {
    /// All calls share a pipe, which the first one opens.
    Shared(Channel),
    /// Each call opens a pipe, for which there are so many places.
    Apart(Arc<dyn Session>, Arc<Semaphore>),
}

impl Line {
    /// In QUIC a pipe costs nothing, and HTTP/2 that waits for the next call 60 KB; on TCP a pipe is a
    /// connection that the agent dials.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, connection: u64) -> Self {
        let way = match session.carrier() {
            Carrier::Quic => Way::Apart(session, Arc::new(Semaphore::new(PIPES_MAX))),
            Carrier::Tcp => Way::Shared(channel_when_used(session, PipeKind::Reverse)),
        };
        Self { way, connection }
    }

    /// Waits for as long as the agent takes no pipe: to be called within a timeout.
    pub async fn client(&self) -> Result<AgentControlClient<Channel>, Status> {
        let channel = match &self.way {
            Way::Shared(channel) => channel.clone(),
            Way::Apart(session, places) => {
                let opened =
                    channel_in_place(Arc::clone(session), PipeKind::Reverse, Arc::clone(places));
                opened.await.map_err(|error| Status::unavailable(chain(&error)))?
            }
        };
        Ok(AgentControlClient::new(channel))
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
