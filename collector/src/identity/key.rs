//! The key to the tables of identity: made here alone, so that no other stage reads them.

/// Lets `Database::identity` begin and `Txn::switch` change roles.
#[derive(Debug)]
pub struct IdentityKey(());

impl IdentityKey {
    pub(super) const fn new() -> Self {
        Self(())
    }

    #[cfg(test)]
    pub(crate) const fn of_a_test() -> Self {
        Self::new()
    }
}
