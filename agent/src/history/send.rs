//! Send: brings outcomes to the collector, while there is a session.
//!
//! - **In:** the outbox.
//! - **Out:** parts of its outcomes, oldest first, on a pipe of their own: telemetry goes before.
//! - **Bound:** one part on the way.
//! - **When full:** what the collector does not take now waits, and is offered again ever more rarely.
//! - **On crash:** the collector says where it is; the next session goes on from there.

mod upload;

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::Clock;
use farwatch_common::id::ConfigJobId;
use farwatch_common::task::chain;
use farwatch_proto::v1::SnapshotPart;
use farwatch_proto::v1::uplink_client::UplinkClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

use self::upload::{Pace, Upload};
use super::outbox::{Gone, Outbox, Waiting};

/// On the slowest of lines, behind all that telemetry has to send.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
const AGAIN_FIRST: Duration = Duration::from_secs(2);
const AGAIN_MAX: Duration = Duration::from_secs(300);

/// The session, as far as this needs it.
pub struct Line<C, R> {
    /// A channel whose pipe opens with the first call.
    pub open: C,
    /// Its round trip.
    pub rtt: R,
    pub clock: Clock,
}

impl<C: Fn() -> Channel, R: Fn() -> Duration> Line<C, R> {
    /// Sends what there is, and what comes; ends only where the collector knows nothing of outcomes.
    pub async fn send(&self, outbox: &Arc<Outbox>) {
        let mut held = outbox.held();
        let mut backoff = Backoff::new(AGAIN_FIRST, AGAIN_MAX);
        let mut pace = Pace::default();
        let mut pipe = None;
        // One that the collector does not take now must not hold up the others.
        let mut put_off = None;
        loop {
            let next = {
                let held = held.borrow_and_update();
                held.after(put_off).or_else(|| held.after(None))
            };
            let Some(job) = next else {
                pipe = None;
                if held.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let waiting = match with(outbox, move |outbox| outbox.load(job)).await {
                Some(Ok(Some(waiting))) => waiting,
                Some(Err(error)) => {
                    tracing::warn!(%job, error = chain(&error), "an outcome cannot be read yet");
                    put_off = Some(job);
                    tokio::time::sleep(backoff.next(rand::random())).await;
                    continue;
                }
                Some(Ok(None)) | None => continue,
            };
            let client = pipe.get_or_insert_with(|| UplinkClient::new((self.open)()));
            let Err(status) = self.upload(client, job, &waiting, &mut pace).await else {
                backoff.reset();
                with(outbox, move |outbox| outbox.forget(job, Gone::Sent)).await;
                continue;
            };
            let (code, reason) = (status.code(), status.message());
            match code {
                Code::NotFound | Code::InvalidArgument => {
                    tracing::warn!(%job, ?code, reason, "the collector has no use for an outcome");
                    with(outbox, move |outbox| outbox.forget(job, Gone::Lost)).await;
                }
                Code::Unimplemented => {
                    tracing::info!("this collector takes no configurations: they wait for another");
                    return;
                }
                _ => {
                    tracing::debug!(%job, ?code, reason, "an outcome is not taken yet");
                    put_off = Some(job);
                    tokio::time::sleep(backoff.next(rand::random())).await;
                }
            }
        }
    }

    /// Sends an outcome, from where the collector has got to.
    async fn upload(
        &self,
        client: &mut UplinkClient<Channel>,
        job: ConfigJobId,
        waiting: &Waiting,
        pace: &mut Pace,
    ) -> Result<(), Status> {
        let mut upload = Upload::new(waiting.whole.len());
        while !upload.is_done() {
            let place = upload.part(pace.bytes());
            let sent = place.len();
            let part = SnapshotPart {
                job_id: job.0,
                bytes: waiting.whole.len() as u64,
                hash: waiting.hash.to_vec(),
                offset: place.start as u64,
                data: waiting.whole[place].to_vec(),
                key: waiting.key.as_ref().map(|key| key.expose().to_vec()).unwrap_or_default(),
            };
            let began = self.clock.monotonic();
            let kept = tokio::time::timeout(ANSWER_TIME_MAX, client.snapshot(part)).await;
            let late = |_| Status::deadline_exceeded("no answer to a part");
            let kept = kept.map_err(late)??.into_inner();
            let took = self.clock.monotonic().saturating_duration_since(began);
            pace.took(sent, took.saturating_sub((self.rtt)()));
            upload.answered(kept.next).map_err(|error| Status::internal(error.to_string()))?;
        }
        Ok(())
    }
}

/// What the outbox does blocks.
async fn with<T: Send + 'static>(
    outbox: &Arc<Outbox>,
    what: impl FnOnce(&Outbox) -> T + Send + 'static,
) -> Option<T> {
    let outbox = Arc::clone(outbox);
    tokio::task::spawn_blocking(move || what(&outbox)).await.ok()
}

#[cfg(test)]
mod tests;
