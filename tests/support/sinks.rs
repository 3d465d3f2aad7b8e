//! Where notifications end: real servers of HTTP, mail and MQTT, with certificates of their own.

pub mod authority;
pub mod broker;
pub mod hooks;
pub mod mail;
