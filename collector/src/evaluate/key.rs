//! The key to storing what was found: made here alone.

/// Lets `Database::evaluate` begin.
#[derive(Debug)]
pub struct EvaluateKey(());

impl EvaluateKey {
    pub(super) const fn new() -> Self {
        Self(())
    }
}
