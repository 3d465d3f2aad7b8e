//! Sites as they are: behind firewalls, proxies and NATs, with links that fail.

mod doctor;
mod fallback;
mod families;
mod links;
mod ping;
mod slow;
