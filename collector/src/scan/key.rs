//! The key to what scans have found: made here alone.

/// Lets `Database::scan` begin.
#[derive(Debug)]
pub struct ScanKey(());

impl ScanKey {
    pub(super) const fn new() -> Self {
        Self(())
    }
}
