//! Telling one agent of one job, and what becomes of the job by its answer.

use std::sync::Arc;

use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigJobId, TenantId};
use farwatch_common::task::chain;

use super::board::{Open, Sent};
use super::store;
use crate::command::{CommandError, Errand};
use crate::history::job::{AGENT_REFUSED, AGENT_TOO_OLD};
use crate::inventory::Vault;
use crate::metrics::Counter;
use crate::store::{Database, StoreError};

/// What telling an agent takes.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) database: Database,
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Clock,
    pub(super) refused: Counter,
}

impl Tools {
    /// Tells an agent of a job, which counts as running from before that.
    pub(super) async fn tell(self, one: Open, errand: Errand) -> Sent {
        let now = self.clock.now();
        let of = (one.tenant, one.job);
        let claimed = store::claim(&self.database, &self.vault, &one, now).await;
        let fetch = match claimed {
            Ok(Some(fetch)) => fetch,
            Ok(None) => return Sent::Gone,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", job = %one.job, error, "cannot claim a job");
                return Sent::Unclaimed;
            }
        };
        let (how, written) = match errand.fetch_config(fetch).await {
            Ok(()) => return Sent::Taken,
            Err(CommandError::Offline | CommandError::TimedOut) => return Sent::Unheard,
            Err(
                CommandError::AgentBusy
                | CommandError::TenantBusy
                | CommandError::Busy
                | CommandError::NotAssigned,
            ) => (Sent::Full, store::back(&self.database, of).await),
            Err(CommandError::TooOld) => {
                let why = (AGENT_TOO_OLD, "the agent cannot fetch configurations: update it");
                (Sent::Gone, self.refused(of, why).await)
            }
            Err(CommandError::Failed { reason }) => {
                (Sent::Gone, self.refused(of, (AGENT_REFUSED, &reason)).await)
            }
        };
        match written {
            Ok(()) => how,
            // It is running in the database, and nobody has it: the agent is asked again.
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", job = %one.job, error, "cannot keep a job");
                Sent::Unheard
            }
        }
    }

    async fn refused(
        &self,
        of: (TenantId, ConfigJobId),
        why: (&str, &str),
    ) -> Result<(), StoreError> {
        self.refused.add(1);
        store::end(&self.database, of, why, self.clock.now()).await.map(drop)
    }
}
