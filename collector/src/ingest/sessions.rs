//! Which session of an agent counts: the newest one that was opened.
//!
//! The listener calls [`Sessions::begin`] for every connection it accepts and closes the connection
//! when the guard's token fires. Connecting alone fences nobody; opening a session fences all older
//! ones of the agent. A session has one telemetry stream at a time: each may fill a window.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwatch_common::id::AgentId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::Counters;
use super::session::Share;
use crate::api::SessionControl;
use crate::command::{Line, Lines};
use crate::identity::PeerInfo;

/// Live connections an agent may have: a new one beside the one it replaces. A third ends the
/// oldest on which no session was opened: it is most likely one the network has forgotten.
const SESSIONS_PER_AGENT_MAX: usize = 2;

/// All sessions of this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    agents: Arc<Mutex<HashMap<AgentId, Vec<Entry>>>>,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Entry {
    connection: u64,
    token: CancellationToken,
    open: bool,
    /// What the agent was told when it opened its session.
    told: Share,
    /// Once the agent is admitted: calls go to it this way.
    line: Option<Line>,
    /// One permit, held by the telemetry stream.
    telemetry: Arc<Semaphore>,
}

/// The connection is older than the session that is open, or it was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a newer session of this agent is open, or its access was revoked")]
pub struct Fenced;

/// Why a telemetry stream does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStream {
    #[error(transparent)]
    Fenced(#[from] Fenced),
    #[error("this session has a telemetry stream already; end it first")]
    Taken,
}

/// The right to serve the telemetry stream of a session, until it is dropped.
#[derive(Debug)]
pub struct StreamPermit {
    pub token: CancellationToken,
    pub told: Share,
    _only: OwnedSemaphorePermit,
}

/// Keeps a connection in the registry until it is dropped.
#[derive(Debug)]
pub struct SessionGuard {
    sessions: Sessions,
    agent: AgentId,
    connection: u64,
    token: CancellationToken,
}

impl SessionGuard {
    /// Fires when a newer session of the agent opens or the agent is revoked.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// The agent is admitted, and called over this line while the connection is here.
    pub fn reached_by(&self, line: Line) {
        let mut agents = self.sessions.agents();
        let entries = agents.get_mut(&self.agent).into_iter().flatten();
        for entry in entries.filter(|entry| entry.connection == self.connection) {
            entry.line = Some(line.clone());
        }
    }
}

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.token.cancel();
        let mut agents = self.sessions.agents();
        if let Some(entries) = agents.get_mut(&self.agent) {
            entries.retain(|entry| entry.connection != self.connection);
            if entries.is_empty() {
                agents.remove(&self.agent);
            }
        }
    }
}

impl SessionControl for Sessions {
    fn revoke(&self, agent: AgentId) {
        for entry in self.agents().remove(&agent).unwrap_or_default() {
            self.fence(&entry);
        }
    }
}

/// The line of the session that counts; of an agent that has opened none yet, of its newest.
fn counts(entries: &[Entry]) -> Option<Line> {
    let live = entries.iter().filter(|entry| !entry.token.is_cancelled());
    let newest = live.filter(|entry| entry.line.is_some()).max_by_key(|e| (e.open, e.connection));
    newest.and_then(|entry| entry.line.clone())
}

impl Lines for Sessions {
    fn line(&self, agent: AgentId) -> Option<Line> {
        counts(self.agents().get(&agent)?)
    }

    fn lines(&self) -> Vec<Line> {
        self.agents().values().filter_map(|entries| counts(entries)).collect()
    }
}

impl Sessions {
    #[must_use]
    pub fn new(counters: Arc<Counters>) -> Self {
        Self { agents: Arc::default(), counters }
    }

    /// A connection of an agent was accepted.
    #[must_use]
    pub fn begin(&self, peer: &PeerInfo) -> SessionGuard {
        let token = CancellationToken::new();
        let mut agents = self.agents();
        let entries = agents.entry(peer.agent).or_default();
        entries.push(Entry {
            connection: peer.connection,
            token: token.clone(),
            open: false,
            told: Share::default(),
            line: None,
            telemetry: Arc::new(Semaphore::new(1)),
        });
        entries.sort_by_key(|entry| entry.connection);
        while entries.len() > SESSIONS_PER_AGENT_MAX {
            // Not the one that data comes over, if there is another: dials that died unheard are here
            // for a while.
            let oldest = entries.iter().position(|entry| !entry.open).unwrap_or(0);
            self.fence(&entries.remove(oldest));
        }
        SessionGuard {
            sessions: self.clone(),
            agent: peer.agent,
            connection: peer.connection,
            token,
        }
    }

    /// Agents that are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.agents().len()
    }

    /// The connection is there and was not ended.
    pub fn lives(&self, peer: &PeerInfo) -> Result<(), Fenced> {
        let agents = self.agents();
        let mut entries = agents.get(&peer.agent).into_iter().flatten();
        let lives =
            entries.any(|entry| entry.connection == peer.connection && !entry.token.is_cancelled());
        if lives { Ok(()) } else { Err(Fenced) }
    }

    /// The agent opens its session on this connection: all older ones end. Returns what it may have of its backlog
    /// on the way.
    pub fn open(&self, peer: &PeerInfo) -> Result<Share, Fenced> {
        let mut agents = self.agents();
        let share = Share::among(agents.len());
        let entries = agents.get_mut(&peer.agent).ok_or(Fenced)?;
        if entries.iter().any(|entry| entry.open && entry.connection > peer.connection) {
            return Err(Fenced);
        }
        let own = entries.iter_mut().find(|entry| entry.connection == peer.connection);
        let own = own.filter(|entry| !entry.token.is_cancelled()).ok_or(Fenced)?;
        let is_first = !mem::replace(&mut own.open, true);
        if is_first {
            own.told = share;
        }
        let told = own.told;
        entries.retain(|entry| {
            let older = entry.connection < peer.connection;
            if older {
                self.fence(entry);
            }
            !older
        });
        // One that says hello again opens no other session.
        if is_first {
            self.counters.sessions_opened.add(1);
            tracing::info!(agent = %peer.agent, transport = peer.transport.name(), "session opens");
        }
        Ok(told)
    }

    /// The session that is open on this connection begins its telemetry stream.
    pub fn stream(&self, peer: &PeerInfo) -> Result<StreamPermit, NoStream> {
        let agents = self.agents();
        let entries = agents.get(&peer.agent).ok_or(Fenced)?;
        let entry = entries
            .iter()
            .find(|entry| entry.connection == peer.connection && entry.open)
            .filter(|entry| !entry.token.is_cancelled())
            .ok_or(Fenced)?;
        let only = entry.telemetry.clone().try_acquire_owned().map_err(|_| NoStream::Taken)?;
        Ok(StreamPermit { token: entry.token.clone(), told: entry.told, _only: only })
    }

    fn fence(&self, entry: &Entry) {
        self.counters.sessions_fenced.add(1);
        entry.token.cancel();
    }

    fn agents(&self) -> MutexGuard<'_, HashMap<AgentId, Vec<Entry>>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::{SiteId, TenantId};

    use super::*;
    use crate::identity::Remote;
    use farwatch_common::transport::Carrier;

    fn peer(connection: u64) -> PeerInfo {
        PeerInfo {
            tenant: TenantId(1),
            site: SiteId(1),
            agent: AgentId(1),
            key_hash: [0; 32],
            remote: Remote::At(([127, 0, 0, 1], 1).into()),
            transport: Carrier::Quic,
            connection,
        }
    }

    #[test]
    fn the_newest_opened_session_wins() {
        let sessions = Sessions::default();
        let old = sessions.begin(&peer(1));
        sessions.open(&peer(1)).unwrap();
        let new = sessions.begin(&peer(2));
        assert!(!old.token().is_cancelled(), "connecting alone fences nobody");
        sessions.open(&peer(2)).unwrap();
        assert!(old.token().is_cancelled());
        assert!(!new.token().is_cancelled());
        assert_eq!(sessions.open(&peer(1)).unwrap_err(), Fenced);
        assert_eq!(sessions.stream(&peer(1)).unwrap_err(), NoStream::Fenced(Fenced));
        assert!(sessions.stream(&peer(2)).is_ok());
    }

    #[test]
    fn a_session_has_one_telemetry_stream_at_a_time() {
        let sessions = Sessions::default();
        let _guard = sessions.begin(&peer(1));
        sessions.open(&peer(1)).unwrap();
        let first = sessions.stream(&peer(1)).unwrap();
        assert_eq!(sessions.stream(&peer(1)).unwrap_err(), NoStream::Taken);
        drop(first);
        assert!(sessions.stream(&peer(1)).is_ok());
    }

    #[test]
    fn an_older_connection_cannot_take_over() {
        let sessions = Sessions::default();
        let (_old, _new) = (sessions.begin(&peer(1)), sessions.begin(&peer(2)));
        sessions.open(&peer(2)).unwrap();
        assert_eq!(sessions.open(&peer(1)).unwrap_err(), Fenced);
    }

    #[test]
    fn a_third_connection_ends_the_oldest() {
        let sessions = Sessions::default();
        let guards: Vec<_> = (1..=3).map(|number| sessions.begin(&peer(number))).collect();
        let ended: Vec<_> = guards.iter().map(|guard| guard.token().is_cancelled()).collect();
        assert_eq!(ended, [true, false, false]);
        // The one that is open stays, also if it is the oldest.
        sessions.open(&peer(2)).unwrap();
        let newest = sessions.begin(&peer(4));
        let ended: Vec<_> = guards.iter().map(|guard| guard.token().is_cancelled()).collect();
        assert_eq!((ended, newest.token().is_cancelled()), (vec![true, false, true], false));
    }

    #[tokio::test]
    async fn an_agent_is_called_over_the_session_that_counts() {
        let sessions = Sessions::default();
        let called = || sessions.line(AgentId(1)).map(|line| line.connection());
        let guards: Vec<_> = (1..=2).map(|number| sessions.begin(&peer(number))).collect();
        assert_eq!((called(), sessions.lines().len()), (None, 0), "nobody is admitted yet");
        for (guard, number) in guards.iter().zip(1..) {
            guard.reached_by(Line::nowhere(number));
        }
        assert_eq!(called(), Some(2));
        sessions.open(&peer(1)).unwrap();
        assert_eq!((called(), sessions.lines().len()), (Some(1), 1), "the newer may be a dial");
        sessions.open(&peer(2)).unwrap();
        assert_eq!(called(), Some(2));
        drop(guards);
        assert_eq!((called(), sessions.lines().len()), (None, 0));
    }

    #[test]
    fn revoking_and_dropping_end_sessions() {
        let sessions = Sessions::default();
        let guard = sessions.begin(&peer(1));
        sessions.revoke(AgentId(1));
        assert!(guard.token().is_cancelled());
        let next = sessions.begin(&peer(2));
        sessions.open(&peer(2)).unwrap();
        drop(next);
        assert!(sessions.stream(&peer(2)).is_err());
        assert!(sessions.agents().is_empty());
    }
}
