//! What an agent and its collector agree on about scans.

/// Hosts that the agent is asked about at a time.
pub const HOSTS_MAX: usize = 32;
/// Devices in a row that may refuse a user of SNMPv3 before it is tried no more: they lock users out.
pub const REFUSED_MAX: u32 = 3;
/// Devices that are remembered to have refused a user; a user that more refuse is tried no more.
pub const REFUSERS_MAX: usize = 256;
/// Longest name of one of them: its engine (RFC 3411 §5, 32 bytes) and how often that was started.
pub const REFUSER_BYTES_MAX: usize = 36;
/// To all hosts together; nobody has it faster.
pub const PACKETS_PER_SECOND_MAX: u32 = 500;
