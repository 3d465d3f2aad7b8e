//! What the tests need beside the product: simulated routers, harnesses for real programs, and the
//! processes of the product itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails on"
)]

pub mod backfill;
pub mod backlog;
pub mod bench;
pub mod disk;
pub mod faults;
pub mod fuzz;
pub mod herd;
pub mod http;
pub mod ledger;
pub mod link;
pub mod namespace;
pub mod oracle;
pub mod postgres;
pub mod process;
pub mod relay;
pub mod shape;
pub mod sim;
pub mod sinks;
pub mod snmpd;
pub mod ssh;
pub mod stack;
pub mod tinyproxy;
pub mod uplink;
