//! Every statement of the program, for the test that prepares them all on both engines.
//!
//! A list by hand, because collecting statics takes link sections, which are unsafe code. A test
//! holds it against the sources: a `sql!` that is not here fails.

use super::Sql;

pub(super) static STATEMENTS: &[&Sql] = &[];
