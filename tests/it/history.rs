//! Configurations of devices, fetched by SSH.

mod contexts;
mod jobs;
mod login;
mod openssh;
mod recordings;
mod road;

use std::net::TcpListener;
use std::time::Duration;

use farwatch_agent::history::Target;
use farwatch_agent::history::redact::SiteKey;

/// Against a hang.
const LIMIT: Duration = Duration::from_secs(120);
const STARTS_MAX: usize = 5;

fn site_key() -> SiteKey {
    SiteKey::new(&[7; SiteKey::BYTES])
}

/// A port that was free a moment ago: these servers cannot be handed a socket.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn target(port: u16, user: &str) -> Target {
    let login = farwatch_agent::history::Login {
        user: user.to_owned(),
        password: None,
        key: None,
        enable: None,
    };
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        login,
        platform: None,
        legacy: false,
        known_host: None,
    }
}
