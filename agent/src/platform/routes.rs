//! The ways out of this host: its default gateway, and the networks that it is in.

#[cfg(target_os = "linux")]
#[path = "routes/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "routes/none.rs"]
mod system;

use std::net::Ipv4Addr;

pub use system::{default_gateway, networks};

/// A network of IPv4 that an interface of this host is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub interface: String,
    pub address: Ipv4Addr,
    pub prefix: u32,
}
