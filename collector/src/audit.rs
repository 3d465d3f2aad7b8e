//! The audit: what was changed and who signed in, a chain of rows for each tenant and one for the
//! installation, tenant 0.

pub mod chain;
