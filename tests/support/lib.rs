//! What the tests need beside the product: simulated routers and harnesses for real programs.

pub mod sim;
pub mod snmpd;
