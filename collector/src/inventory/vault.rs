//! The keys that seal: outside the database the master keys, which wrap those of the tenants.

pub mod keyring;
