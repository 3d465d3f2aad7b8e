//! The poll stage against simulated routers and Debian's snmpd.

mod captures;
mod core;
mod faults;
mod lossy;
mod net;
mod objects;
mod probe;
mod program;
mod snmpd;
mod spared;
mod v3;
