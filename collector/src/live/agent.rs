//! Core: the last state of one agent.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;

use super::device::Reach;
use super::view::{LiveAgent, LiveBuffer, State};

/// An agent whose session ended may dial again this long before it is offline. In the first minute
/// of an outage it dials every two seconds; longer, and its devices would keep states that nobody
/// asks for any more.
const REDIAL_GRACE: Duration = Duration::from_secs(10);
/// Three heartbeats of an idle agent.
const HEARTBEATS_MISSED: Duration = Duration::from_secs(45);
/// An agent whose oldest unsent batch is older than this is behind.
const BEHIND: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) connection: u64,
    pub(super) transport: &'static str,
    pub(super) remote: String,
    pub(super) since: Micros,
}

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
    behind: bool,
    version: String,
    platform: String,
    offline: bool,
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
            behind: false,
            version: String::new(),
            platform: String::new(),
            offline: true,
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
        self.session = Some(session);
        self.heard(since);
        (self.version, self.platform) = (version, platform);
    }

    pub(super) fn disconnected(&mut self, connection: u64, at: Micros) {
        if self.session.as_ref().is_some_and(|session| session.connection == connection) {
            self.session = None;
            // Not heard then: most often the network has timed out.
            self.ended_at = Some(at);
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

    pub(super) fn buffered(&mut self, buffer: LiveBuffer, at: Micros) {
        self.behind = buffer.oldest_at.is_some_and(|oldest| at.since(oldest) > BEHIND);
        self.buffer = Some(buffer);
    }

    pub(super) fn revoked(&mut self) {
        self.revoked = true;
        self.offline = true;
        self.session = None;
    }

    /// When it counts as offline if nothing more is heard.
    pub(super) fn offline_at(&self) -> Option<Micros> {
        let at = match self.session {
            Some(_) => self.seen_at.map(|seen| seen.after(HEARTBEATS_MISSED)),
            None => self.ended_at.map(|ended| ended.after(REDIAL_GRACE)),
        };
        at.filter(|_| !self.offline)
    }

    /// The deadline came.
    pub(super) fn expire(&mut self) {
        self.offline = true;
    }

    pub(super) fn reach(&self) -> Reach {
        match (self.seen_at, self.offline) {
            (None, _) => Reach::NeverSeen,
            (Some(_), true) => Reach::Offline,
            (Some(_), false) => Reach::Online,
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
            last_seen_at: self.seen_at,
            last_ack_at: self.ack_at,
            buffer: self.buffer,
            devices,
            version: self.version.clone(),
            platform: self.platform.clone(),
        }
    }
}
