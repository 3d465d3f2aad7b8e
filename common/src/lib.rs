//! What the Farwatch agent and collector share: ids, samples, the wire codec and the transport.

pub mod backoff;
pub mod ballast;
pub mod batch;
pub mod clock;
pub mod config;
pub mod crc;
pub mod file;
pub mod id;
pub mod logging;
pub mod platform;
pub mod ranges;
pub mod sample;
pub mod scan;
pub mod secret;
pub mod signals;
pub mod task;
pub mod tls;
pub mod token;
pub mod transport;
