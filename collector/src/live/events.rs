//! The event ring and its subscriptions.
//!
//! One sequence for the whole process. The last [`RING`] records are kept: a client that comes back
//! within them goes on where it was, any other is told to load everything again (`resync`), and so
//! is one that reads too slowly.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use farwatch_common::id::{DeviceId, TenantId};
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::publish::{Draft, Topic};
use super::view::rfc3339;

/// Records kept for clients that come back, and the most a slow client may lag behind.
pub const RING: usize = 4096;
/// Most records that are melted into one event.
const MERGED_MAX: usize = 256;

/// What a client wants to hear of.
#[derive(Clone, Debug)]
pub struct EventFilter {
    pub tenants: BTreeSet<TenantId>,
    /// Interfaces of these devices too.
    pub devices: BTreeSet<DeviceId>,
}

impl EventFilter {
    fn wants(&self, record: &Record) -> bool {
        let topic = match record.topic {
            Topic::Interfaces(device) => self.devices.contains(&device),
            Topic::Devices | Topic::Agents | Topic::Alerts => true,
        };
        topic && self.tenants.contains(&record.tenant)
    }
}

/// One event for a client.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveEvent {
    pub sequence: u64,
    /// `hello`, `devices`, `interfaces`, `agents`, `alerts` or `resync`.
    pub kind: &'static str,
    pub data: Value,
}

impl LiveEvent {
    /// Tells a client that saw `sequence` last to load everything again.
    pub(crate) fn resync(sequence: u64) -> Self {
        Self { sequence, kind: "resync", data: json!({}) }
    }
}

/// Events of one client, endless until the collector stops.
pub struct EventStream(Pin<Box<dyn Stream<Item = LiveEvent> + Send>>);

impl Stream for EventStream {
    type Item = LiveEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LiveEvent>> {
        self.0.as_mut().poll_next(cx)
    }
}

#[derive(Debug)]
struct Record {
    sequence: u64,
    tenant: TenantId,
    topic: Topic,
    patches: Vec<Value>,
    removed: Vec<Value>,
    committed_at: farwatch_common::clock::Micros,
}

/// The ring and the way to all clients.
#[derive(Debug)]
pub(super) struct Hub {
    sequence: u64,
    /// Everything up to here has left the ring.
    forgotten: u64,
    ring: VecDeque<Arc<Record>>,
    sender: broadcast::Sender<Arc<Record>>,
    /// Devices whose interfaces are published: how many look.
    watched: BTreeMap<DeviceId, usize>,
}

impl Hub {
    /// `first` must be above every sequence of earlier processes, so that their ids are not taken
    /// for ours.
    pub(super) fn new(first: u64) -> Self {
        Self {
            sequence: first,
            forgotten: first,
            ring: VecDeque::new(),
            sender: broadcast::Sender::new(RING),
            watched: BTreeMap::new(),
        }
    }

    pub(super) fn publish(&mut self, draft: Draft) {
        self.sequence += 1;
        let Draft { tenant, topic, patches, removed, committed_at } = draft;
        let sequence = self.sequence;
        let record = Record { sequence, tenant, topic, patches, removed, committed_at };
        let record = Arc::new(record);
        if self.ring.len() >= RING
            && let Some(oldest) = self.ring.pop_front()
        {
            self.forgotten = oldest.sequence;
        }
        self.ring.push_back(record.clone());
        // Nobody listening is no error.
        let _ = self.sender.send(record);
    }

    /// Counts a watcher of the device; true if it is the first.
    pub(super) fn watch(&mut self, device: DeviceId) -> bool {
        let watchers = self.watched.entry(device).or_default();
        *watchers += 1;
        *watchers == 1
    }

    /// Forgets a watcher; true if it was the last.
    pub(super) fn unwatch(&mut self, device: DeviceId) -> bool {
        let Some(watchers) = self.watched.get_mut(&device) else { return false };
        *watchers = watchers.saturating_sub(1);
        let last = *watchers == 0;
        if last {
            self.watched.remove(&device);
        }
        last
    }

    /// The events after `last`, or `None` if some of them are gone. Interfaces are not published
    /// while nobody looks: of those the client loads a snapshot with every new stream.
    fn replay(&self, filter: &EventFilter, last: u64) -> Option<Vec<LiveEvent>> {
        if last > self.sequence || last < self.forgotten {
            return None;
        }
        let missed = self.ring.iter().filter(|record| record.sequence > last);
        Some(missed.filter(|record| filter.wants(record)).map(|r| event(r, &[])).collect())
    }

    /// `greeting` makes the `hello` of a sequence; `guard` is dropped with the stream.
    pub(super) fn subscribe(
        &self,
        filter: EventFilter,
        last: Option<u64>,
        greeting: impl FnOnce(u64) -> Value,
        guard: impl Send + 'static,
    ) -> EventStream {
        let sequence = self.sequence;
        let hello = LiveEvent { sequence, kind: "hello", data: greeting(sequence) };
        let mut first = VecDeque::from([hello]);
        if let Some(last) = last {
            let missed = self.replay(&filter, last);
            first.extend(missed.unwrap_or_else(|| vec![LiveEvent::resync(sequence)]));
        }
        let subscription =
            Subscription { filter, first, receiver: self.sender.subscribe(), held: None, sequence };
        EventStream(Box::pin(futures_util::stream::unfold(
            (subscription, guard),
            |(mut subscription, guard)| async move {
                let event = subscription.next().await?;
                Some((event, (subscription, guard)))
            },
        )))
    }
}

struct Subscription {
    filter: EventFilter,
    first: VecDeque<LiveEvent>,
    receiver: broadcast::Receiver<Arc<Record>>,
    /// Read, but of another topic than the event before it.
    held: Option<Arc<Record>>,
    /// Of the last event that was handed out.
    sequence: u64,
}

impl Subscription {
    async fn next(&mut self) -> Option<LiveEvent> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        let head = loop {
            if let Some(held) = self.held.take() {
                break held;
            }
            match self.receiver.recv().await {
                Ok(record) if self.filter.wants(&record) => break record,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return Some(self.lagged()),
                Err(RecvError::Closed) => return None,
            }
        };
        let mut more = Vec::new();
        while more.len() < MERGED_MAX {
            match self.receiver.try_recv() {
                Ok(record) if !self.filter.wants(&record) => {}
                // Within an event what is removed goes before what is patched.
                Ok(record) if record.topic == head.topic && record.removed.is_empty() => {
                    more.push(record);
                }
                Ok(record) => {
                    self.held = Some(record);
                    break;
                }
                // What was lost makes what was read useless.
                Err(TryRecvError::Lagged(_)) => return Some(self.lagged()),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let event = event(&head, &more);
        self.sequence = event.sequence;
        Some(event)
    }

    /// The client was too slow: all that waits is dropped.
    fn lagged(&mut self) -> LiveEvent {
        self.held = None;
        self.receiver = self.receiver.resubscribe();
        LiveEvent::resync(self.sequence)
    }
}

fn event(head: &Record, more: &[Arc<Record>]) -> LiveEvent {
    let all = || std::iter::once(head).chain(more.iter().map(AsRef::as_ref));
    let committed_at = all().map(|record| record.committed_at).min().and_then(rfc3339);
    let sequence = all().map(|record| record.sequence).max().unwrap_or(head.sequence);
    let patches: Vec<Value> = all().flat_map(|record| record.patches.iter().cloned()).collect();
    let removed: Vec<Value> = all().flat_map(|record| record.removed.iter().cloned()).collect();
    let (kind, data) = match head.topic {
        topic @ (Topic::Devices | Topic::Alerts) => (
            if topic == Topic::Devices { "devices" } else { "alerts" },
            json!({ "patches": patches, "removed": removed, "committed_at": committed_at }),
        ),
        Topic::Agents => ("agents", json!({ "patches": patches })),
        Topic::Interfaces(device) => (
            "interfaces",
            json!({
                "device": device.to_string(), "patches": patches, "removed": removed,
                "committed_at": committed_at,
            }),
        ),
    };
    LiveEvent { sequence, kind, data }
}
