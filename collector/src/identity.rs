//! Who is who: the PKI and the agents' keys, enrolment, people, sessions, API keys, tenancy.

pub mod peer;
pub mod pki;
pub mod tenancy;

pub use peer::PeerInfo;
pub use tenancy::{Access, TenantContext};
