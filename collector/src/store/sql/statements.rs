//! Every statement of the program, for the test that prepares them all on both engines.
//!
//! A list by hand, because collecting statics takes link sections, which are unsafe code. A test
//! holds it against the sources: a `sql!` that is not here fails.

use super::Sql;
use crate::store::samples::{cursor, facts, fetch, gaps, last, pages, subject};
use crate::store::sqlite::append;

pub(super) static STATEMENTS: &[&Sql] = &[
    &append::BATCH_STORE,
    &append::CURSOR_STORE,
    &append::HASH,
    &append::SCHEMA_STORE,
    &append::USE_STORE,
    &cursor::CURSOR,
    &facts::DEVICE_FACTS_STORE,
    &facts::DEVICE_LOCK,
    &facts::GAP_STORE,
    &facts::INTERFACES_REMOVE,
    &facts::INTERFACES_SEEN,
    &facts::INTERFACE_STORE,
    &fetch::ANY_BATCH,
    &gaps::GAPS_BETWEEN,
    &gaps::GAP_COUNT,
    &gaps::GAP_PAGE,
    &last::CHECKPOINTS,
    &last::CHECKPOINT_STORE,
    &last::TAIL,
    &pages::ENDS,
    &pages::OLDEST,
    &subject::DEVICE,
    &subject::DEVICE_SCHEMAS,
    &subject::SCHEMAS,
    &subject::TENANTS,
];
