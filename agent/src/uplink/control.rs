//! What the collector calls on the agent, over pipes it opens in the agent's session.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::chain;
use farwatch_common::transport::{Pipe, PipeKind, REVISION_HEADER, Session};
use farwatch_proto::v1::agent_control_server::{AgentControl, AgentControlServer};
use farwatch_proto::v1::{
    Assignment, AssignmentApplied, Command, CommandResult, DrainNotice, DrainReply, PingReply,
    PingRequest,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::command::{CommandError, Commander};
use crate::inventory::{Inventory, InventoryError};

/// Pipes that wait for the server to take them.
const PIPES_MAX: usize = 4;

/// What the calls of one session work with.
pub(super) struct Serving {
    pub inventory: Arc<Inventory>,
    pub commander: Arc<Commander>,
    pub clock: Clock,
    /// Told when the collector sends this agent away: when to come back.
    pub drain: watch::Sender<Option<SentAway>>,
}

/// The collector is about to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SentAway {
    /// When to begin the next session, counted from the end of this one; `None`: whenever.
    pub come_after: Option<Duration>,
}

struct Control {
    serving: Serving,
}

#[tonic::async_trait]
impl AgentControl for Control {
    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let PingRequest { nonce } = request.into_inner();
        Ok(Response::new(PingReply { nonce, agent_time_us: self.serving.clock.now().0 }))
    }

    async fn drain(&self, request: Request<DrainNotice>) -> Result<Response<DrainReply>, Status> {
        let come_after_ms = u64::from(request.get_ref().come_after_ms);
        tracing::info!(come_after_ms, "the collector is about to stop");
        let come_after = (come_after_ms > 0).then(|| Duration::from_millis(come_after_ms));
        self.serving.drain.send_replace(Some(SentAway { come_after }));
        Ok(Response::new(DrainReply {}))
    }

    async fn run(&self, request: Request<Command>) -> Result<Response<CommandResult>, Status> {
        let done = self.serving.commander.run(request.into_inner()).await;
        done.map(Response::new).map_err(|error| {
            let text = error.to_string();
            match error {
                CommandError::Unknown => Status::unimplemented(text),
                CommandError::Invalid(_) => Status::invalid_argument(text),
                CommandError::NoDevice => Status::not_found(text),
                CommandError::Busy | CommandError::JobsFull => Status::resource_exhausted(text),
                CommandError::Late => Status::deadline_exceeded(text),
            }
        })
    }

    async fn apply_assignment(
        &self,
        request: Request<Assignment>,
    ) -> Result<Response<AssignmentApplied>, Status> {
        let inventory = Arc::clone(&self.serving.inventory);
        let assignment = request.into_inner();
        // It writes a file.
        let applied = tokio::task::spawn_blocking(move || inventory.apply(assignment)).await;
        match applied {
            Ok(Ok(applied)) => Ok(Response::new(applied)),
            Ok(Err(error @ InventoryError::Older { known, .. })) => {
                let mut refusal = Status::failed_precondition(error.to_string());
                refusal.metadata_mut().insert(REVISION_HEADER, known.into());
                Err(refusal)
            }
            Ok(Err(error @ InventoryError::TooMany { .. })) => {
                Err(Status::invalid_argument(error.to_string()))
            }
            Ok(Err(error)) => {
                tracing::error!(error = chain(&error), "an assignment could not be applied");
                Err(Status::internal("the assignment could not be kept; see the agent's log"))
            }
            Err(_) => Err(Status::internal("the assignment could not be applied")),
        }
    }
}

/// Serves the collector's pipes until the session ends.
pub(super) async fn serve(session: Arc<dyn Session>, serving: Serving) {
    let (pipes, incoming) = mpsc::channel::<Result<Pipe, io::Error>>(PIPES_MAX);
    let server = tonic::transport::Server::builder()
        .add_service(AgentControlServer::new(Control { serving }))
        .serve_with_incoming(ReceiverStream::new(incoming));
    let accept = async {
        while let Ok((kind, pipe)) = session.accept().await {
            if kind != PipeKind::Reverse {
                tracing::debug!(?kind, "the collector opened a pipe this agent does not serve");
            } else if pipes.send(Ok(pipe)).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        ended = server => {
            if let Err(error) = ended {
                tracing::warn!(error = chain(&error), "the server of the collector's calls ended");
            }
        }
        () = accept => {}
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::{AgentId, SiteId, TenantId};

    use super::*;
    use crate::history::jobs::Jobs;
    use crate::history::outbox::Outbox;
    use crate::seal::Owner;

    #[tokio::test]
    async fn the_refusal_of_an_older_assignment_tells_the_revision_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };
        let inventory = Arc::new(Inventory::open(dir.path(), owner).unwrap());
        let (clock, drain) = (Clock::system(), watch::channel(None).0);
        let (poll, ping) = (crate::poll::now::channel().0, crate::poll::ping::channel().0);
        let outbox = Arc::new(Outbox::open(dir.path(), owner).unwrap());
        let jobs = Arc::new(Jobs::new(dir.path().to_owned(), outbox, clock.clone()));
        let commander = Arc::new(Commander::new(poll, ping, jobs, clock.clone()));
        let control = Control { serving: Serving { inventory, commander, clock, drain } };
        let apply = |revision| {
            control.apply_assignment(Request::new(Assignment { revision, devices: Vec::new() }))
        };
        apply(9).await.unwrap();
        let refusal = apply(3).await.unwrap_err();
        assert_eq!(refusal.code(), tonic::Code::FailedPrecondition);
        assert_eq!(refusal.metadata().get(REVISION_HEADER).unwrap(), "9");
    }
}
