//! The key to what is told on behalf of the agents' tenants: made here alone.

/// Lets `Database::notify` begin.
#[derive(Debug)]
pub struct NotifyKey(());

impl NotifyKey {
    pub(super) const fn new() -> Self {
        Self(())
    }
}
