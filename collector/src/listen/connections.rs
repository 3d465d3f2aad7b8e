//! The live connections of agents: found by agent, fenced by the newest, closed on revocation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use farwatch_common::id::AgentId;
use farwatch_common::transport::Session;

/// An agent redials while its old connection is not yet known to be dead; more is not needed.
pub const CONNECTIONS_PER_AGENT_MAX: usize = 2;

#[derive(Debug)]
struct Entry {
    number: u64,
    session: Arc<dyn Session>,
}

/// All live connections. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    last_number: u64,
    by_agent: HashMap<AgentId, Vec<Entry>>,
}

/// Takes the connection out of the list when dropped.
#[derive(Debug)]
pub struct ConnectionGuard {
    connections: Connections,
    agent: AgentId,
    /// Rises over all connections of this process.
    pub number: u64,
}

impl Connections {
    /// Lists a connection; beyond the limit the agent's oldest one is closed.
    pub fn add(&self, agent: AgentId, session: Arc<dyn Session>) -> ConnectionGuard {
        let mut inner = self.lock();
        inner.last_number += 1;
        let number = inner.last_number;
        let entries = inner.by_agent.entry(agent).or_default();
        entries.push(Entry { number, session });
        while entries.len() > CONNECTIONS_PER_AGENT_MAX {
            entries.remove(0).session.close("replaced by a newer connection of this agent");
        }
        ConnectionGuard { connections: self.clone(), agent, number }
    }

    /// Closes every connection of a revoked agent.
    pub fn revoke(&self, agent: AgentId) {
        let entries = self.lock().by_agent.remove(&agent).unwrap_or_default();
        for entry in entries {
            entry.session.close("this agent was revoked");
        }
    }

    /// Agents with at least one connection.
    #[must_use]
    pub fn agents(&self) -> usize {
        self.lock().by_agent.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // The lists stay whole at every step; a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut inner = self.connections.lock();
        if let Some(entries) = inner.by_agent.get_mut(&self.agent) {
            entries.retain(|entry| entry.number != self.number);
            if entries.is_empty() {
                inner.by_agent.remove(&self.agent);
            }
        }
    }
}
