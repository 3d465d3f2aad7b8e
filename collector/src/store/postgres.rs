//! What PostgreSQL does its own way with samples.
//!
//! A group of batches is a handful of statements whatever its size: arrays go in, rows come out.
//! Nothing is remembered between transactions, because other collectors may write, and because
//! after a connection is lost in COMMIT nobody knows what is stored.

mod append;
pub(super) mod facts;
pub(super) mod fetch;
#[cfg(test)]
mod tests;

pub(super) use append::append;
