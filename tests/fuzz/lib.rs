//! What the fuzz targets feed, shared with the tests that replay their corpora.

#[path = "../support/fuzz.rs"]
pub mod fuzz;
