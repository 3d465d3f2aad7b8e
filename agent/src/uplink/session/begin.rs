//! The beginning of a session: its pipes, the hello and the welcome.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::task::spawn_child;
use farwatch_common::transport::{CLONED_HEADER, PipeKind, Session, channel, channel_when_used};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{SessionHello, Welcome};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::ask::Asking;
use super::beat::link_status;
use super::measure::measure;
use super::{Live, UP_MAX};
use crate::buffer::Measured;
use crate::history::send::Line;
use crate::uplink::control::{self, Serving};
use crate::uplink::core::{Core, stored};
use crate::uplink::{Uplink, UplinkError};

/// A call that takes longer has failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

async fn call<T>(
    what: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, UplinkError> {
    match tokio::time::timeout(CALL_TIMEOUT, what).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) if status.metadata().contains_key(CLONED_HEADER) => {
            Err(UplinkError::Cloned)
        }
        Ok(Err(status)) => Err(UplinkError::Refused(Box::new(status))),
        Err(_) => Err(UplinkError::Silent),
    }
}

impl Live {
    /// Opens the pipes of `session` and says hello.
    pub(in crate::uplink) async fn begin(
        uplink: &Uplink,
        session: Arc<dyn Session>,
        core: &mut Core,
    ) -> Result<Self, UplinkError> {
        let pipe = channel(Arc::clone(&session), PipeKind::Telemetry);
        let mut client = UplinkClient::new(pipe.await.map_err(UplinkError::Pipe)?);
        let streams = uplink.buffer.state().borrow().streams.clone();
        let hello = hello(uplink, &*session, streams.clone());
        // Before the hello: the collector may push an assignment as soon as it knows us.
        let serving = CancellationToken::new();
        let (sent_away, drain) = watch::channel(None);
        let calls = Serving {
            inventory: Arc::clone(&uplink.inventory),
            commander: Arc::clone(&uplink.commander),
            clock: uplink.clock.clone(),
            drain: sent_away,
        };
        spawn_child(&serving, control::serve(Arc::clone(&session), calls));
        let sending = serving.child_token();
        let served = serving.drop_guard();
        let asked = uplink.clock.look();
        let welcome = call(client.open_session(hello)).await?;
        // Off by up to half of a call, which is enough for certificates and to begin with; heartbeats
        // tell better.
        let (now, there) = (uplink.clock.look(), Micros(welcome.server_time_us));
        let measured = measure(asked, (there, there), now);
        if let Some(measured) = measured {
            uplink.buffer.clock_measured(measured).await?;
        }
        // After the clock, by which losses are told.
        let told = stored(&welcome, &streams);
        let asking = Asking::new(&streams, &told, Duration::ZERO, rand::random());
        if !told.is_empty() {
            uplink.buffer.stored(told).await?;
        }
        let offset_us = there.0.saturating_sub(now.wall.0);
        let unsure = Measured { ahead_us: now.ahead_us, offset_us, error_us: u32::MAX };
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let down = call(client.telemetry(ReceiverStream::new(outgoing))).await?;
        let started = uplink.clock.monotonic();
        core.connected(&welcome, Duration::ZERO);
        spawn_child(&sending, send_outcomes(uplink, Arc::clone(&session)));
        let state = uplink.buffer.state();
        let clock_epoch = state.borrow().epoch;
        Ok(Self {
            session,
            client,
            up,
            down,
            state,
            clock_epoch,
            started,
            clock: measured.unwrap_or(unsure),
            asked: VecDeque::new(),
            progress: 0,
            asking,
            call: None,
            drain,
            sending,
            _served: served,
        })
    }
}

/// A hello that is said again, for its answer alone: the session goes on.
pub(super) type Call = Pin<Box<dyn Future<Output = Result<Welcome, UplinkError>> + Send>>;

/// Its answer; the call is over then. Never, while there is none.
pub(super) async fn answer(under_way: &mut Option<Call>) -> Result<Welcome, UplinkError> {
    let Some(asked) = under_way else { return std::future::pending().await };
    let welcome = asked.await;
    *under_way = None;
    welcome
}

fn hello(uplink: &Uplink, session: &dyn Session, streams: Vec<i64>) -> SessionHello {
    SessionHello {
        agent_version: env!("CARGO_PKG_VERSION").into(),
        platform: crate::platform::name(),
        link: Some(link_status(uplink, session)),
        boot_id: uplink.boot_id.to_vec(),
        streams,
    }
}

impl Live {
    /// Asks what the collector has of streams of which it has not told.
    pub(super) fn ask_again(&mut self, uplink: &Uplink) {
        let hello = hello(uplink, &*self.session, self.asking.open().to_vec());
        let mut client = self.client.clone();
        self.asking.asks();
        self.call = Some(Box::pin(async move { call(client.open_session(hello)).await }));
    }

    /// What came of that. A call that failed says nothing of the session, which has its heartbeats.
    pub(super) async fn told(
        &mut self,
        uplink: &Uplink,
        welcome: Result<Welcome, UplinkError>,
    ) -> Result<(), UplinkError> {
        let told = match &welcome {
            Ok(welcome) => stored(welcome, self.asking.open()),
            Err(error) => {
                let error = farwatch_common::task::chain(error);
                tracing::debug!(error, "the collector does not say what it has");
                Vec::new()
            }
        };
        let told = self.asking.answered(&told, self.now(uplink), rand::random());
        if !told.is_empty() {
            uplink.buffer.stored(told).await?;
        }
        Ok(())
    }
}

/// Sends outcomes of jobs on a pipe of their own.
fn send_outcomes(
    uplink: &Uplink,
    session: Arc<dyn Session>,
) -> impl Future<Output = ()> + Send + 'static {
    let (outbox, clock) = (Arc::clone(&uplink.outbox), uplink.clock.clone());
    let carrier = Arc::clone(&session);
    let open = move || channel_when_used(Arc::clone(&carrier), PipeKind::Snapshot);
    let line = Line { open, rtt: move || session.rtt(), clock };
    async move { line.send(&outbox).await }
}
