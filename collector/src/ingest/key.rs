//! The key to storing what agents send: made here alone.

/// Lets `Database::ingest` begin.
#[derive(Debug)]
pub struct IngestKey(());

impl IngestKey {
    pub(super) const fn new() -> Self {
        Self(())
    }

    #[cfg(test)]
    pub(crate) const fn of_a_test() -> Self {
        Self::new()
    }
}
