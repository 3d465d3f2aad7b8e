//! The key to what is kept of the agents' configurations: made here alone.

/// Lets `Database::history` begin.
#[derive(Debug)]
pub struct HistoryKey(());

impl HistoryKey {
    pub(super) const fn new() -> Self {
        Self(())
    }
}
