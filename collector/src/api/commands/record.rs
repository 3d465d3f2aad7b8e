//! Commands in the audit: what is asked before it is, and what came of it behind, also where the
//! client has gone meanwhile.

use farwatch_common::id::TenantId;
use farwatch_common::task::{chain, to_the_end};
use serde_json::{Value, json};

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::audit::Change;
use crate::command::{CommandError, noted};

/// One command and its two rows.
pub(super) struct Record {
    asked: Change,
    outcome: Change,
}

impl Record {
    /// Of one thing: its kind, and the verbs of the question and of the outcome.
    pub(super) fn of(
        (kind, asked, outcome): (&'static str, &'static str, &'static str),
        id: i64,
        name: String,
    ) -> Self {
        let change = |verb| Change::new(kind, verb, id, &name);
        Self { asked: change(asked), outcome: change(outcome) }
    }

    /// With what is wanted; no secret may be in it.
    pub(super) fn wanted(self, wanted: Value) -> Self {
        Self { asked: self.asked.after(wanted), ..self }
    }

    /// Asks, between the two rows. `told` says what the second tells of the answer, without a
    /// secret; of a failure it tells the code that the client gets. Without the first nothing is
    /// asked; where the second cannot be written, the log says so.
    pub(super) async fn keep<T: Send + 'static>(
        self,
        (state, caller): (AppState, Caller),
        tenant: TenantId,
        ask: impl Future<Output = Result<T, CommandError>> + Send + 'static,
        told: impl FnOnce(&T) -> Value + Send + 'static,
    ) -> Result<T, Error> {
        let Self { asked, outcome } = self;
        to_the_end(async move {
            let note = async |change: Change| {
                noted(&state.db, &caller.context, tenant, change, state.clock.now()).await
            };
            note(asked).await?;
            let answer = ask.await.map_err(Error::from);
            let what = match &answer {
                Ok(answer) => told(answer),
                Err(error) => json!({ "failed": error.code() }),
            };
            // Asked again, it would go out again: an answer is not lost for its row.
            if let Err(error) = note(outcome.after(what)).await {
                let error = chain(&error);
                tracing::error!(stage = "api", %tenant, error, "the audit lacks an outcome");
            }
            answer
        })
        .await
    }
}
