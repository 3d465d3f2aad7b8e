//! Core: which channel is to be told next, when one that did not take it is tried again, and when it
//! is given up.
//!
//! - A channel has one delivery under way, so that one that does not answer holds back only itself.
//! - A failure holds back the whole channel, not the one notification: what waits behind it keeps its
//!   place, and one at a time is tried until one gets through.
//! - Channels whose last delivery failed share [`FAILING_IN_FLIGHT_MAX`] of the [`IN_FLIGHT_MAX`]
//!   places: however many are dead, there is a place for those that are well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, TenantId};

use super::settings::Kind;

/// Deliveries under way at one time.
pub const IN_FLIGHT_MAX: usize = 64;
/// Of these, to channels whose last delivery failed.
pub const FAILING_IN_FLIGHT_MAX: usize = 16;
/// What people read: a mailbox, a chat. Slack takes one message a second.
pub const PEOPLE: Pace = Pace { burst: 20, every: Duration::from_secs(2) };
/// What programs take. They want all of a storm, and soon.
pub const PROGRAMS: Pace = Pace { burst: 200, every: Duration::from_millis(20) };
/// What may be waited after each attempt but the last: eight attempts in 24 h.
pub const DELAYS: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(17 * 3600),
];
pub const ATTEMPTS_MAX: u32 = DELAYS.len() as u32 + 1;
/// How long a channel is left alone after so many failures in a row. The first is shorter than the
/// delay of what failed: if only that is not taken, the others get past it.
pub const HOLDS: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    HOLD_MAX,
];
/// A channel that is well again is found to be so within this time, unless it asked for more.
const HOLD_MAX: Duration = Duration::from_secs(5 * 60);
/// Who sends has the notification for so long; then, if nothing was written of it, it is sent again.
/// Longer than any attempt takes.
pub const CLAIM: Duration = Duration::from_secs(60);
/// A channel that failed for at least this long and is well again is told at once what waits for its
/// next attempt.
pub const SPELL_MIN: Duration = Duration::from_secs(60);
/// Each delay is longer by up to this part of it, so that what failed together does not return so.
const JITTER: f64 = 0.1;
/// Longest wait that an answer may ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Older ones are given up, also if they were never tried: nobody wants an alert of yesterday.
pub const AGE_MAX: Duration = Duration::from_secs(24 * 3600 + 2 * 3600);
/// From here on a channel that takes nothing is marked as failing.
pub const FAILING_AFTER: Duration = Duration::from_secs(15 * 60);

/// How fast a channel is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Deliveries at once after a quiet time.
    pub burst: u32,
    /// One more each.
    pub every: Duration,
}

impl Pace {
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Email | Kind::Slack => PEOPLE,
            Kind::Webhook | Kind::Mqtt => PROGRAMS,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Delivered,
    /// The other side answered that it does not take it.
    Refused,
    /// No connection, no name, no TLS.
    Unreachable,
    Timeout,
    /// The guard does not let it out.
    Forbidden,
    /// The channel cannot be used as it is: what is sealed does not open, or no mail server is set.
    Broken,
}

impl Outcome {
    pub const ALL: [Self; 6] = [
        Self::Delivered,
        Self::Refused,
        Self::Unreachable,
        Self::Timeout,
        Self::Forbidden,
        Self::Broken,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Forbidden => "forbidden",
            Self::Broken => "broken",
        }
    }
}

/// What an attempt came to. Its words are ours: nothing of an answer, a URL or a secret is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: Outcome,
    /// The status of the answer, where the channel has one.
    pub status: Option<u16>,
    pub detail: String,
    /// What the answer asked for.
    pub retry_after: Option<Duration>,
    /// The other side said that it will never take it.
    pub permanent: bool,
    /// Receivers of mail that are to be told yet, if not all that it was sent to.
    pub left: Option<Vec<String>>,
}

impl Attempt {
    #[must_use]
    pub fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { outcome, status: None, detail, retry_after: None, permanent: false, left: None }
    }

    /// Whether the next one would end the same way: nothing of it is about this one message.
    fn is_of_channel(&self) -> bool {
        match (self.outcome, self.status) {
            (Outcome::Refused, Some(code)) => code == 408 || code == 429 || code >= 500,
            _ => true,
        }
    }
}

/// What is to become of a notification after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    Again(Micros),
    /// Given up.
    Failed,
}

/// A notification as far as its retries go.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// With the one that ended now.
    pub attempts: u32,
    pub created_at: Micros,
    /// A test is told once: who asked for it waits.
    pub is_test: bool,
}

/// After an attempt; `random` is an even draw from 0.0 to 1.0.
#[must_use]
pub fn next(tried: Tried, attempt: &Attempt, now: Micros, random: f64) -> Next {
    if attempt.outcome == Outcome::Delivered && (attempt.left.is_none() || tried.is_test) {
        return Next::Delivered;
    }
    let slot = usize::try_from(tried.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let (false, false, Some(delay)) = (tried.is_test, attempt.permanent, DELAYS.get(slot)) else {
        return Next::Failed;
    };
    let delay = delay.mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0));
    let asked = attempt.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let at = now.after(delay.max(asked));
    if is_stale(tried.created_at, at) { Next::Failed } else { Next::Again(at) }
}

/// What the end of a delivery means for its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Well,
    /// There was nothing to send.
    Nothing,
    /// It was not; the channel is left alone until then at least.
    Failed {
        until: Micros,
    },
    /// What became of it is not written.
    Unstored,
}

/// What this attempt means for the channel. If it is the channel that fails, what failed first is
/// also what is tried first.
#[must_use]
pub fn end(attempt: &Attempt, next: Next, now: Micros) -> End {
    if attempt.outcome == Outcome::Delivered {
        return End::Well;
    }
    let asked = now.after(attempt.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
    let until = match next {
        Next::Again(at) if attempt.is_of_channel() => at.min(now.after(HOLD_MAX)).max(asked),
        _ => asked,
    };
    End::Failed { until }
}

/// Whether it is too late to tell what was written then.
#[must_use]
pub fn is_stale(created_at: Micros, now: Micros) -> bool {
    now.since(created_at) > AGE_MAX
}

/// A channel that something waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// When the first of it is due.
    pub next_at: Micros,
    pub failing: bool,
    pub pace: Pace,
}

/// Where to begin now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub start: Vec<(TenantId, ChannelId)>,
    /// `None`: when something is written or a delivery ends.
    pub wake_at: Option<Micros>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// A delivery is under way; to a channel that was failing.
    busy: Option<bool>,
    /// When the next delivery would be due at an even rate (GCRA).
    due: Micros,
    /// Deliveries in a row that failed or could not be written.
    failures: u32,
    /// Until when it is left alone for that.
    held_until: Micros,
    /// It is held for what it did itself, not for the store.
    by_channel: bool,
}

/// Who is being told, and how fast.
#[derive(Debug, Default)]
pub struct Desk {
    lanes: BTreeMap<ChannelId, Lane>,
}

impl Desk {
    /// Chooses channels, the ones that wait longest first. Each counts as busy until [`Self::ended`].
    pub fn plan(&mut self, waiting: &[Waiting], now: Micros) -> Plan {
        let waits: BTreeSet<_> = waiting.iter().map(|waiting| waiting.channel).collect();
        self.lanes.retain(|id, lane| {
            lane.busy.is_some()
                || lane.due > now
                || lane.held_until > now
                || (lane.failures > 0 && waits.contains(id))
        });
        let busy = self.lanes.values().filter_map(|lane| lane.busy);
        let (mut all, mut failing) = (0, 0);
        for was_failing in busy {
            all += 1;
            failing += usize::from(was_failing);
        }
        let mut order: Vec<_> = waiting.iter().collect();
        order.sort_by_key(|waiting| (waiting.next_at, waiting.channel));
        let mut plan = Plan::default();
        for waiting in order {
            let lane = self.lanes.entry(waiting.channel).or_default();
            if lane.by_channel && !waiting.failing && lane.busy.is_none() {
                // A test got through, or it leads elsewhere now.
                lane.well();
            }
            let at = waiting.next_at.max(lane.ready_at(waiting.pace)).max(lane.held_until);
            if lane.busy.is_some() {
                continue;
            }
            if at > now {
                plan.wake_at = Some(plan.wake_at.map_or(at, |wake_at| wake_at.min(at)));
                continue;
            }
            let full = waiting.failing && failing >= FAILING_IN_FLIGHT_MAX;
            if full || all >= IN_FLIGHT_MAX {
                // The end of a delivery makes room, and is looked at.
                continue;
            }
            (all, failing) = (all + 1, failing + usize::from(waiting.failing));
            lane.busy = Some(waiting.failing);
            lane.due = lane.due.max(now).after(waiting.pace.every);
            plan.start.push((waiting.tenant, waiting.channel));
        }
        plan
    }

    pub fn ended(&mut self, channel: ChannelId, end: End, now: Micros) {
        let Some(lane) = self.lanes.get_mut(&channel) else { return };
        lane.busy = None;
        let until = match end {
            End::Well => return lane.well(),
            End::Nothing => return,
            End::Failed { until } => until,
            End::Unstored => now,
        };
        let hold = usize::try_from(lane.failures).ok().and_then(|failures| HOLDS.get(failures));
        lane.held_until = now.after(hold.copied().unwrap_or(HOLD_MAX)).max(until);
        lane.failures = lane.failures.saturating_add(1);
        lane.by_channel = end != End::Unstored;
    }
}

impl Lane {
    /// When the rate lets the next one out.
    fn ready_at(&self, pace: Pace) -> Micros {
        self.due.before(pace.every.saturating_mul(pace.burst.saturating_sub(1)))
    }

    fn well(&mut self) {
        (self.failures, self.held_until, self.by_channel) = (0, Micros::default(), false);
    }
}

/// How a channel is, for those who look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing has failed since something was delivered.
    Ok,
    Retrying,
    /// It takes nothing for [`FAILING_AFTER`].
    Failing,
}

#[must_use]
pub fn health(failing_since: Option<Micros>, now: Micros) -> Health {
    match failing_since {
        None => Health::Ok,
        Some(since) if now.since(since) >= FAILING_AFTER => Health::Failing,
        Some(_) => Health::Retrying,
    }
}

#[cfg(test)]
mod tests;
