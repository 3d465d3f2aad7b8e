//! What the tests need beside the product: simulated routers, harnesses for real programs, and the
//! processes of the product itself.

pub mod bench;
pub mod http;
pub mod process;
pub mod relay;
pub mod sim;
pub mod snmpd;
pub mod stack;
