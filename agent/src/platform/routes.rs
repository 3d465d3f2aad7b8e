//! The way out of this host's network.

#[cfg(target_os = "linux")]
#[path = "routes/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "routes/none.rs"]
mod system;

pub use system::default_gateway;
