//! Core: the last state of one agent.

use std::net::SocketAddr;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use farwatch_proto::v1::{BufferStatus, CarrierReason, GatewayStatus, Heartbeat, LinkStatus};

use super::device::Reach;
use super::feed::Troubles;
use super::links::LinkEvent;
use super::view::{LiveAgent, LiveBackfill, LiveBuffer, LiveGateway, State};
use crate::ingest::validate::clock::is_corrected;

/// An agent whose session ended may dial again this long before it is offline. In the first minute
/// of an outage it dials every two seconds; longer, and its devices would keep states that nobody
/// asks for any more.
const REDIAL_GRACE: Duration = Duration::from_secs(10);
/// So long without a word: an idle agent sends a heartbeat every 15 s. What it polls may be asked
/// every second, so that no state is believed for longer than this.
const SILENCE: Duration = Duration::from_secs(30);
/// Fewer packets tell nothing of the link's loss.
const PACKETS_MIN: u64 = 50;
/// Longest textual address: IPv6 with an IPv4 tail.
const ADDRESS_BYTES_MAX: usize = 45;
/// An agent whose clock is more wrong is told to be so; its times are corrected.
const SKEW_MAX: Duration = Duration::from_secs(60);
/// No clock is more wrong: what says so is no measurement.
const OFFSET_US_MAX: i64 = 100 * 366 * 24 * 3600 * Micros::SECOND;
/// So long after the last sign of it an agent counts as cloned: both hosts come again sooner.
const CLONED_FOR: Duration = Duration::from_secs(600);
/// So long after a gap came an agent counts as losing data.
const LOSING_FOR: Duration = Duration::from_secs(3600);
/// An agent whose oldest unsent batch is older than this is behind.
const BEHIND: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) connection: u64,
    pub(super) transport: &'static str,
    pub(super) remote: String,
    pub(super) since: Micros,
    pub(super) link: Link,
}

/// What the agent tells of what carries its session.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    reason: Option<&'static str>,
    proxied: bool,
    rtt_ms: Option<f64>,
    loss_percent: Option<f64>,
    /// Packets sent and lost when the loss was reckoned last.
    counted: (u64, u64),
}

impl Link {
    pub(super) fn told(&mut self, status: &LinkStatus) {
        self.reason = match status.reason() {
            CarrierReason::Unspecified => None,
            CarrierReason::UdpBlocked => Some("udp_blocked"),
            CarrierReason::QuicDied => Some("quic_died"),
            CarrierReason::Lossy => Some("lossy"),
        };
        self.proxied = status.proxied;
        self.rtt_ms = (status.rtt_us > 0).then(|| f64::from(status.rtt_us) / 1000.0);
        let sent = status.packets_sent.saturating_sub(self.counted.0);
        let lost = status.packets_lost.saturating_sub(self.counted.1).min(sent);
        if sent >= PACKETS_MIN {
            #[expect(clippy::cast_precision_loss, reason = "a share of packets")]
            let percent = 100.0 * lost as f64 / sent as f64;
            self.loss_percent = Some(percent);
            self.counted = (status.packets_sent, status.packets_lost);
        }
    }
}

/// What happened to a session: transport, address, and why.
pub(super) type LinkNews = (LinkEvent, &'static str, String, Option<&'static str>);

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) tenant: TenantId,
    session: Option<Session>,
    /// When the last session ended.
    ended_at: Option<Micros>,
    /// When it was heard last, in this process or by the database's word.
    seen_at: Option<Micros>,
    ack_at: Option<Micros>,
    buffer: Option<LiveBuffer>,
    gateway: Option<LiveGateway>,
    behind: bool,
    /// While it is behind: what there was to send.
    backfill: Option<LiveBackfill>,
    /// What is to be added to its times to make them the collector's, in microseconds.
    clock_offset: Option<i64>,
    /// Its times are corrected by that.
    pub(super) corrects_times: bool,
    cloned_until: Option<Micros>,
    losing_until: Option<Micros>,
    /// What happened to its sessions, until somebody takes it.
    links: Vec<LinkNews>,
    version: String,
    platform: String,
    offline: bool,
    /// It said goodbye, and no session came since.
    stopped: bool,
    revoked: bool,
    pub(super) deadline: Option<Micros>,
}

impl Agent {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            session: None,
            ended_at: None,
            seen_at: None,
            ack_at: None,
            buffer: None,
            gateway: None,
            behind: false,
            backfill: None,
            clock_offset: None,
            corrects_times: false,
            cloned_until: None,
            losing_until: None,
            links: Vec::new(),
            version: String::new(),
            platform: String::new(),
            offline: true,
            stopped: false,
            revoked: false,
            deadline: None,
        }
    }

    /// What the database remembers. Until it is heard again the agent is offline.
    pub(super) fn remember(
        &mut self,
        seen_at: Option<Micros>,
        ack_at: Option<Micros>,
        version: String,
        platform: String,
    ) {
        self.seen_at = self.seen_at.max(seen_at);
        self.ack_at = self.ack_at.max(ack_at);
        if self.session.is_none() {
            (self.version, self.platform) = (version, platform);
        }
    }

    pub(super) fn connected(&mut self, session: Session, version: String, platform: String) {
        // An older connection must not take the place of a newer one.
        if self.session.as_ref().is_some_and(|known| known.connection > session.connection) {
            return;
        }
        let since = session.since;
        // One that says hello again is no other session.
        if let Some(known) = &mut self.session
            && known.connection == session.connection
        {
            *known = Session { since: known.since, ..session };
            self.heard(since);
            (self.version, self.platform) = (version, platform);
            return;
        }
        self.ended("replaced");
        self.news(&session, LinkEvent::Opened, session.link.reason);
        self.session = Some(session);
        self.stopped = false;
        // A backlog that goes on after another outage begins anew: that one is no time of its drain.
        self.backfill = None;
        self.heard(since);
        (self.version, self.platform) = (version, platform);
    }

    pub(super) fn disconnected(&mut self, connection: u64, at: Micros) {
        if self.session.as_ref().is_some_and(|session| session.connection == connection) {
            self.ended("closed");
            // Not heard then: most often the network has timed out.
            self.ended_at = Some(at);
        }
    }

    /// It says that its process stops: what it told is not waited out. A session that has taken the
    /// place of this one knows better.
    pub(super) fn stopped(&mut self, connection: u64, at: Micros) {
        if self.session.as_ref().is_some_and(|session| session.connection == connection) {
            self.heard(at);
            self.ended("stopped");
            self.stopped = true;
            self.offline = true;
        }
    }

    pub(super) fn heard(&mut self, at: Micros) {
        self.seen_at = self.seen_at.max(Some(at));
        // What an ended session left is stored late, and brings nobody back.
        if self.session.is_some() {
            self.offline = self.revoked;
        }
    }

    pub(super) fn acked(&mut self, at: Micros) {
        self.ack_at = self.ack_at.max(Some(at));
    }

    /// A heartbeat came over `connection`, from `remote`.
    pub(super) fn beat(
        &mut self,
        (connection, remote): (u64, SocketAddr),
        beat: &Heartbeat,
        at: Micros,
    ) {
        self.heard(at);
        // A late one of a session that another has replaced tells nothing new.
        let session = self.session.as_mut().filter(|session| session.connection == connection);
        let Some(session) = session else { return };
        // A NAT may have given it another one. Another port alone tells people nothing.
        let host = |address: &str| address.rsplit_once(':').map(|(host, _)| host.to_owned());
        let has_moved = host(&session.remote) != host(&remote.to_string());
        session.remote = remote.to_string();
        if let Some(link) = &beat.link {
            session.link.told(link);
        }
        if has_moved {
            let (transport, remote) = (session.transport, session.remote.clone());
            self.links.push((LinkEvent::Moved, transport, remote, None));
        }
        let offset = beat.clock_offset_us.filter(|offset| is_offset(*offset));
        if let Some(offset) = offset {
            self.corrects_times = is_corrected(self.corrects_times, offset);
            self.clock_offset = Some(offset);
        }
        if let Some(buffer) = &beat.buffer {
            self.buffered(live_buffer(buffer), at);
        }
        self.gateway = beat.gateway.as_ref().and_then(|told| live_gateway(told, at));
    }

    pub(super) fn buffered(&mut self, mut buffer: LiveBuffer, at: Micros) {
        let offset = self.clock_offset.unwrap_or(0);
        buffer.oldest_at = buffer.oldest_at.map(|at| Micros(at.0.saturating_add(offset).max(0)));
        self.behind = buffer.oldest_at.is_some_and(|oldest| at.since(oldest) > BEHIND);
        self.backfill = self.behind.then(|| match self.backfill {
            // It was away again meanwhile.
            Some(known) if buffer.batches <= known.batches_at_start => known,
            known => LiveBackfill {
                began_at: known.map_or(Some(at), |known| known.began_at),
                batches_at_start: buffer.batches,
                oldest_at_start: buffer.oldest_at,
            },
        });
        self.buffer = Some(buffer);
    }

    /// Two hosts run as this agent.
    pub(super) fn cloned(&mut self, at: Micros) {
        self.cloned_until = Some(at.after(CLONED_FOR));
    }

    /// It told of data that is lost.
    pub(super) fn lost(&mut self, at: Micros) {
        self.losing_until = Some(at.after(LOSING_FOR));
    }

    pub(super) fn troubles(&self) -> Troubles {
        let skew = |offset: i64| offset.unsigned_abs() > duration_us(SKEW_MAX);
        Troubles {
            clock: self.clock_offset.map(skew),
            cloned: Some(self.cloned_until.is_some()),
            losing: Some(self.losing_until.is_some()),
        }
    }

    /// When something of it changes if nothing more is heard.
    pub(super) fn next_deadline(&self) -> Option<Micros> {
        let deadlines = [self.offline_at(), self.cloned_until, self.losing_until];
        deadlines.into_iter().flatten().min()
    }

    pub(super) fn revoked(&mut self) {
        self.revoked = true;
        self.offline = true;
        self.ended("revoked");
    }

    fn ended(&mut self, reason: &'static str) {
        if let Some(session) = self.session.take() {
            self.news(&session, LinkEvent::Ended, Some(reason));
        }
    }

    fn news(&mut self, session: &Session, event: LinkEvent, reason: Option<&'static str>) {
        self.links.push((event, session.transport, session.remote.clone(), reason));
    }

    pub(super) fn take_links(&mut self) -> Vec<LinkNews> {
        std::mem::take(&mut self.links)
    }

    /// When it counts as offline if nothing more is heard.
    fn offline_at(&self) -> Option<Micros> {
        let silent_at = self.seen_at.map(|seen| seen.after(SILENCE));
        let at = match self.session {
            Some(_) => silent_at,
            // A network that timed out has cost the time of the silence already.
            None => self.ended_at.map(|ended| {
                let grace = ended.after(REDIAL_GRACE);
                silent_at.map_or(grace, |silent| silent.min(grace))
            }),
        };
        at.filter(|_| !self.offline)
    }

    /// A deadline came.
    pub(super) fn expire(&mut self, now: Micros) {
        self.offline |= self.offline_at().is_some_and(|at| at <= now);
        self.cloned_until = self.cloned_until.filter(|until| *until > now);
        self.losing_until = self.losing_until.filter(|until| *until > now);
    }

    /// Whether it was connected to this process.
    pub(super) fn was_here(&self) -> bool {
        self.session.is_some() || self.ended_at.is_some() || self.stopped
    }

    pub(super) fn reach(&self) -> Reach {
        match (self.seen_at, self.offline) {
            (None, _) => Reach::NeverSeen,
            (Some(_), true) => Reach::Offline,
            (Some(_), false) => Reach::Online,
        }
    }

    /// Why it is not connected; none of one that is, and where only the database remembers it.
    pub(super) fn offline_reason(&self) -> Option<&'static str> {
        match (
            self.offline && !self.revoked,
            self.stopped,
            self.ended_at.is_some() || self.session.is_some(),
        ) {
            (true, true, _) => Some("stopped"),
            (true, false, true) => Some("silent"),
            _ => None,
        }
    }

    pub(super) fn view(&self, devices: usize) -> LiveAgent {
        let state = match self.reach() {
            Reach::NeverSeen => State::Unknown,
            Reach::Offline => State::Down,
            Reach::Online if self.behind => State::Degraded,
            Reach::Online => State::Up,
        };
        let session = self.session.as_ref();
        LiveAgent {
            state,
            transport: session.map(|session| session.transport),
            remote_addr: session.map(|session| session.remote.clone()),
            connected_since: session.map(|session| session.since),
            transport_reason: session.and_then(|session| session.link.reason),
            proxied: session.is_some_and(|session| session.link.proxied),
            rtt_ms: session.and_then(|session| session.link.rtt_ms),
            loss_percent: session.and_then(|session| session.link.loss_percent),
            offline_reason: self.offline_reason(),
            gateway: self.gateway.clone().filter(|_| session.is_some()),
            last_seen_at: self.seen_at,
            last_ack_at: self.ack_at,
            buffer: self.buffer,
            backfill: self.backfill.filter(|_| session.is_some()),
            clock_offset_ms: self.clock_offset.map(|offset| offset / 1000),
            devices,
            version: self.version.clone(),
            platform: self.platform.clone(),
        }
    }
}

fn is_offset(offset_us: i64) -> bool {
    offset_us.unsigned_abs() <= OFFSET_US_MAX.unsigned_abs()
}

fn duration_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn live_buffer(status: &BufferStatus) -> LiveBuffer {
    LiveBuffer {
        batches: status.batches,
        bytes: status.bytes,
        oldest_at: (status.oldest_us > 0).then_some(Micros(status.oldest_us)),
    }
}

/// `None` of what cannot be. What was measured was never measured in the future.
fn live_gateway(status: &GatewayStatus, received: Micros) -> Option<LiveGateway> {
    let is_address = status.address.len() <= ADDRESS_BYTES_MAX
        && status.address.parse::<std::net::IpAddr>().is_ok();
    if !is_address || status.sent == 0 {
        return None;
    }
    let answered = status.received > 0;
    let ms = |us: u32| answered.then(|| f64::from(us) / 1000.0);
    let lost = status.sent.saturating_sub(status.received);
    Some(LiveGateway {
        address: status.address.clone(),
        loss_percent: 100.0 * f64::from(lost) / f64::from(status.sent),
        rtt_ms: ms(status.rtt_us),
        jitter_ms: ms(status.jitter_us),
        at: Some(Micros(status.at_us).min(received)),
    })
}
