//! Walks stored chains and holds them to a head that was noted elsewhere.

use farwatch_common::id::TenantId;

use super::chain::verify::{Report, Verifier};
use super::chain::{Head, START};
use super::list::{chain_rows, head};
use crate::identity::TenantContext;
use crate::store::{Database, StoreError};

/// Rows that are read at once: what a walk holds in memory.
const ROWS_MAX: u32 = 1_000;

/// What a walk found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Where the chain ends now.
    pub head: Head,
    pub report: Report,
    /// Whether the chain still holds the row that was noted as its end; true if none was.
    pub holds_witness: bool,
}

impl Verified {
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.report.is_sound() && self.holds_witness
    }
}

/// Walks one chain from its first row. `witness` is a head noted earlier, outside of the database:
/// who can write the database can make a whole chain anew, and only this shows it. The time grows
/// with the rows, about a microsecond each besides reading them.
pub async fn audit_verify(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
    witness: Option<Head>,
) -> Result<Verified, StoreError> {
    // One snapshot: rows and head fit while others write.
    let mut txn = db.read(context).await?;
    let stored = head(&mut txn, tenant).await?.unwrap_or(Head { seq: 0, hash: START });
    let mut holds_witness = witness.is_none_or(|witness| witness.seq == 0);
    let (mut verifier, mut after) = (Verifier::default(), 0);
    loop {
        let rows = chain_rows(&mut txn, tenant, after, ROWS_MAX).await?;
        let Some(last) = rows.last() else { break };
        after = last.entry.seq;
        for row in rows {
            holds_witness |=
                witness.is_some_and(|head| (head.seq, head.hash) == (row.entry.seq, row.hash));
            verifier.row(row);
        }
    }
    Ok(Verified { head: stored, report: verifier.finish(stored), holds_witness })
}

#[cfg(test)]
mod tests;
