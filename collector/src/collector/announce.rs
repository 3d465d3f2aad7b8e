//! What the log tells of a collector that starts and stops.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, public_advice};
use crate::listen::addresses::Addresses;
use crate::store::database::Target;

pub(super) fn data_dir(dir: &Path) {
    tracing::info!("data directory: {}", whole(dir).display());
}

/// Nobody can sign in yet.
pub(super) fn no_user(data_dir: &Path, target: &Target) {
    let url = match target {
        Target::Sqlite(_) => String::new(),
        Target::Postgres(server) => {
            server.login_url().map(|url| format!(" --database-url '{url}'")).unwrap_or_default()
        }
    };
    tracing::warn!(
        "no user yet: run `farwatch-collector user create --data-dir {}{url} --email ADDRESS \
         --password-file FILE`, then sign in",
        whole(data_dir).display()
    );
}

/// Its last line is the one that people look for.
pub(super) fn up(addresses: &Addresses, browser_sha256: Option<&str>, config: &Config) {
    let agents = Some(addresses.endpoints.join(", ")).filter(|agents| !agents.is_empty());
    tracing::info!(listen = %addresses.listen, agents, "the collector is up");
    if agents.is_none() {
        tracing::warn!(
            "agents cannot be told where this collector is, and the web UI makes no enrolment \
             tokens: {}",
            public_advice(config.file.display())
        );
    }
    if let Some(sha256) = browser_sha256 {
        tracing::info!(
            sha256,
            "browsers warn of the self-signed certificate: compare its SHA-256 before you trust it"
        );
    }
    tracing::info!("web UI: {}", web_uis(addresses, config.web()).join(", "));
}

/// A second Ctrl-C would not hasten it.
pub(super) fn stopping(within: Duration) {
    tracing::info!("stopping, up to {} s", within.as_secs());
}

/// Where the web UI is, the nearest first; for other machines `public`, if that is known.
fn web_uis(addresses: &Addresses, public: Option<String>) -> Vec<String> {
    let listen = addresses.listen;
    let here = match listen.ip().is_unspecified() {
        true => format!("https://localhost:{}", listen.port()),
        false => format!("https://{listen}"),
    };
    let http = addresses.http.map(|http| format!("http://{http}"));
    let tls = public.or_else(|| http.is_none().then_some(here));
    http.into_iter().chain(tls).collect()
}

/// A path as it is from everywhere.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_ui_has_an_address_whatever_is_configured() {
        let check = |listen: &str, http: Option<&str>, public: Option<&str>, wanted: &[&str]| {
            let http = http.map(|http| http.parse().unwrap());
            let addresses = Addresses::new(listen.parse().unwrap(), http, &[]);
            assert_eq!(web_uis(&addresses, public.map(str::to_owned)), wanted, "{listen}");
        };
        let (http, public) = (Some("127.0.0.1:8080"), Some("https://noc.example"));
        check("0.0.0.0:443", http, None, &["http://127.0.0.1:8080"]);
        check("0.0.0.0:443", http, public, &["http://127.0.0.1:8080", "https://noc.example"]);
        check("[::]:8443", None, None, &["https://localhost:8443"]);
        check("192.0.2.1:443", None, None, &["https://192.0.2.1:443"]);
        check("[::]:443", None, public, &["https://noc.example"]);
    }

    #[test]
    fn a_path_is_told_whole() {
        assert!(whole(Path::new("d")).is_absolute());
        let there = std::env::temp_dir();
        assert_eq!(whole(&there), there);
    }
}
