//! A poll of one device beside its schedule, and what came of it.

use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;
use farwatch_proto::v1::SnmpOutcome;
use tokio::sync::{mpsc, oneshot};

use super::engine::Polled;
use super::probe::ProbeFailure;

/// Requests that wait for the shell.
const REQUESTS_MAX: usize = 64;

pub(super) type Request = (DeviceId, oneshot::Sender<Option<Polled>>);

/// For those who want a poll now. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PollNow(mpsc::Sender<Request>);

/// The other end, for [`super::run`].
#[derive(Debug)]
pub struct Requests(pub(super) mpsc::Receiver<Request>);

#[must_use]
pub fn channel() -> (PollNow, Requests) {
    let (requests, received) = mpsc::channel(REQUESTS_MAX);
    (PollNow(requests), Requests(received))
}

impl PollNow {
    /// Polls a device, or waits for the poll that is under way; `None` if it is no device of this
    /// agent. Its schedule stays.
    pub async fn poll(&self, device: DeviceId) -> Option<SnmpOutcome> {
        let (reply, answer) = oneshot::channel();
        // Full or gone: it is better to say so than to wait.
        let budget = Some(Polled { cause: Some(Cause::Budget), ..Polled::default() });
        let polled = match self.0.try_send((device, reply)) {
            Ok(()) => answer.await.unwrap_or(budget),
            Err(_) => budget,
        };
        polled.map(|polled| tell(&polled))
    }
}

fn tell(polled: &Polled) -> SnmpOutcome {
    let asked = polled.asked;
    let advice = polled.cause.map(|cause| ProbeFailure { cause, asked }.advice().to_owned());
    SnmpOutcome {
        cause: polled.cause.map_or(0, |cause| cause as u32),
        advice: advice.unwrap_or_default(),
        rtt_us: polled.rtt_us.and_then(|rtt| u32::try_from(rtt).ok()).unwrap_or(0),
        values: polled.values,
        answers_from: polled.answers_from.map(|ip| ip.to_string()).unwrap_or_default(),
    }
}
