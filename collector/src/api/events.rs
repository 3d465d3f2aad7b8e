//! Live events: one stream per browser, for as long as its session or key is good.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use farwatch_common::id::{DeviceId, UserId};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::alerts::SOMEBODY;
use super::error::Error;
use super::guard::{Caller, check};
use super::reply::Time;
use super::request::{Params, id};
use super::tenants::narrowed;
use crate::identity::places::{Full, Place, Places};
use crate::identity::user::User;
use crate::identity::{Access, TenantContext};
use crate::inventory::device::device_get;
use crate::live::{EventFilter, EventStream, LiveEvent};
use crate::metrics::{Gauge, Metrics};

/// Open streams of all clients; a browser has one.
pub(super) const STREAMS_MAX: usize = 1_000;
/// Of one session, API key or screen's link: a browser that lost its tabs' shared stream has one per tab,
/// and one link may hang in several rooms.
const CALLER_STREAMS_MAX: usize = 16;
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Devices whose interfaces one stream shows.
const DEVICES_MAX: usize = 8;
/// How long a right that was taken away still shows something.
const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How long a stream goes on while nobody can say whether it may: with the database away there is
/// nothing new to show either, and all pages at once would come again and again.
pub(super) const UNCHECKED_MAX: Duration = Duration::from_secs(5 * 60);
/// Until then it asks this often.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// Changes of people that a stream may be behind; who misses some looks as if it were meant.
const CHANGES_MAX: usize = 64;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Interfaces of these devices too: up to 8 ids, separated by commas.
    device: Option<String>,
    /// Only this tenant's; of all that the caller may see if not given.
    tenant: Option<String>,
    /// As the header `Last-Event-ID`, for clients that cannot set it.
    last_event_id: Option<u64>,
}

/// First event of every stream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HelloEvent {
    sequence: u64,
    server_time: Time,
    version: String,
    instance: String,
}

/// The open streams.
#[derive(Debug)]
pub(super) struct Streams {
    /// By session, API key or screen.
    places: Places<[u8; 32]>,
    open: Gauge,
    /// Whose rights have changed: their streams look at once.
    people: broadcast::Sender<UserId>,
}

/// A stream's place among the open ones; gives it back when the client goes.
struct Taken {
    _place: Place<[u8; 32]>,
    open: Gauge,
}

impl Streams {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let open = metrics.gauge("api_event_streams", "Open event streams", &[]);
        let (people, _) = broadcast::channel(CHANGES_MAX);
        Self { places: Places::new(STREAMS_MAX, CALLER_STREAMS_MAX), open, people }
    }

    /// Lets the streams of a person look whether they may go on.
    pub(super) fn changed(&self, user: UserId) {
        // Nobody listens where nobody has a stream.
        let _ = self.people.send(user);
    }

    #[cfg(test)]
    pub(super) fn told(&self) -> broadcast::Receiver<UserId> {
        self.people.subscribe()
    }

    fn take(&self, caller: &Caller) -> Result<Taken, Error> {
        let place = self.places.take(caller.proof.key()).map_err(|full| match full {
            Full::ForAll => Error::unavailable("Too many event streams are open; try again later."),
            Full::ForKey => {
                let detail = "This session, key or screen's link has 16 event streams open: close one, \
                              or make another link.";
                Error::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail)
            }
        })?;
        self.open.add(1);
        Ok(Taken { _place: place, open: self.open.clone() })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.open.sub(1);
    }
}

struct Watch {
    state: AppState,
    caller: Caller,
    events: EventStream,
    checks: Interval,
    /// When the first of the caller's grants ends.
    grant_ends: Option<Instant>,
    people: broadcast::Receiver<UserId>,
    /// Since when nobody could say whether the caller may still see this.
    unchecked: Option<Instant>,
    /// Of the last event.
    sequence: u64,
    /// Its rights have changed.
    over: bool,
    _taken: Taken,
}

/// Live events (SSE): `hello`, `devices`, `interfaces`, `agents`, `alerts`, `resync`
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsQuery),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Params(query): Params<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let devices = device_ids(query.device.as_deref())?;
    if caller.screen.is_some() && !devices.is_empty() {
        let detail = "A screen on the wall shows lists, and no single device.";
        return Err(Error::forbidden("forbidden", detail));
    }
    for device in &devices {
        device_get(&state.db, &caller.context, *device).await?;
    }
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last = header.and_then(|text| text.parse().ok()).or(query.last_event_id);
    let tenants = seen(&narrowed(&caller.context, query.tenant.as_deref())?);
    let filter = EventFilter { tenants, devices };
    let stream = watched(state, caller, filter, last, CHECK_EVERY)?;
    Ok(Sse::new(stream.map(Ok)).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("hb")))
}

/// The events of one client until its rights change.
pub(super) fn watched(
    state: AppState,
    caller: Caller,
    filter: EventFilter,
    last: Option<u64>,
    check_every: Duration,
) -> Result<impl Stream<Item = Event>, Error> {
    let taken = state.own.streams.take(&caller)?;
    let events = state.live.subscribe(filter, last);
    let mut checks = tokio::time::interval_at(Instant::now() + check_every, check_every);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (sequence, over, unchecked) = (0, false, None);
    let (grant_ends, people) = (grant_ends(&state, &caller), state.own.streams.people.subscribe());
    let watch = Watch {
        state,
        caller,
        events,
        checks,
        grant_ends,
        people,
        unchecked,
        sequence,
        over,
        _taken: taken,
    };
    Ok(stream::unfold(watch, |mut watch| async {
        let event = next(&mut watch).await?;
        Some((event, watch))
    }))
}

/// One stream serves all tabs of a browser, and each may show a device.
fn device_ids(text: Option<&str>) -> Result<BTreeSet<DeviceId>, Error> {
    let texts = text.into_iter().flat_map(|text| text.split(','));
    let ids = texts.map(id::<DeviceId>).collect::<Result<BTreeSet<_>, _>>()?;
    if ids.len() > DEVICES_MAX {
        return Err(Error::field("device", "At most 8 devices at once."));
    }
    Ok(ids)
}

/// The next event; `None` when the stream is to end. The client then comes again, with the rights
/// it has by then. When these have changed, it is first told to let go of what it knows.
async fn next(watch: &mut Watch) -> Option<Event> {
    if watch.over {
        return None;
    }
    loop {
        tokio::select! {
            () = watch.state.stopping.cancelled() => return None,
            why = look(
                &mut watch.checks, watch.grant_ends, &mut watch.people, watch.caller.user.as_ref(),
            ) => {
                match check(watch.caller.proof.clone(), &watch.state).await {
                    Ok(now) if seen(&now.context) == seen(&watch.caller.context) => {
                        watch.caller = now;
                        watch.unchecked = None;
                        watch.grant_ends = grant_ends(&watch.state, &watch.caller);
                    }
                    Ok(_) => {
                        watch.over = true;
                        return watch.framed(LiveEvent::resync(watch.sequence));
                    }
                    Err(error) if why == Why::Routine && error.is_passing() => {
                        let since = *watch.unchecked.get_or_insert_with(Instant::now);
                        if since.elapsed() >= UNCHECKED_MAX {
                            return None;
                        }
                        watch.checks.reset_after(ASK_AGAIN.min(watch.checks.period()));
                    }
                    Err(_) => return None,
                }
            }
            event = watch.events.next() => {
                let event = event?;
                watch.sequence = event.sequence;
                return watch.framed(event);
            }
        }
    }
}

/// Why the rights are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Routine,
    /// Something is known to be otherwise: what cannot be asked now counts as gone.
    Changed,
}

/// Waits until the rights are to be looked at: now and then, when a grant ends, or when somebody
/// changed what the caller may do.
async fn look(
    checks: &mut Interval,
    grant_ends: Option<Instant>,
    people: &mut broadcast::Receiver<UserId>,
    user: Option<&User>,
) -> Why {
    let grant_ended = async {
        match grant_ends {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    let changed = async {
        loop {
            match people.recv().await {
                Ok(changed) if user.is_none_or(|user| user.id != changed) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                // Whoever tells of changes is there as long as the state is.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        _ = checks.tick() => Why::Routine,
        () = grant_ended => Why::Changed,
        () = changed => Why::Changed,
    }
}

fn grant_ends(state: &AppState, caller: &Caller) -> Option<Instant> {
    let ends = caller.context.first_grant_ends()?;
    Some(Instant::now() + ends.since(state.clock.now()))
}

impl Watch {
    fn framed(&self, mut event: LiveEvent) -> Option<Event> {
        if self.caller.screen.is_some() && event.kind == "alerts" {
            nobody_named(&mut event.data);
        }
        let framed = Event::default().id(event.sequence.to_string()).event(event.kind);
        framed.json_data(&event.data).ok()
    }
}

/// As `GET /alerts` tells a screen who looks after one.
fn nobody_named(data: &mut Value) {
    let patches = data.get_mut("patches").and_then(Value::as_array_mut).into_iter().flatten();
    for ack in patches.filter_map(|patch| patch.get_mut("ack")?.as_object_mut()) {
        ack.insert("by".to_owned(), SOMEBODY.into());
        ack.insert("note".to_owned(), Value::Null);
    }
}

fn seen(context: &TenantContext) -> BTreeSet<farwatch_common::id::TenantId> {
    context.with_access(Access::Read).tenants().collect()
}
