//! Which statements a database ran, for the tests that compare two requests.

use std::sync::{Arc, Mutex};

use super::Sql;

/// In the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran(Arc<Mutex<Vec<&'static Sql>>>);

impl Ran {
    pub(crate) fn note(&self, sql: &'static Sql) {
        self.0.lock().unwrap().push(sql);
    }

    /// What ran since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.lock().unwrap().drain(..).map(ToString::to_string).collect()
    }
}
