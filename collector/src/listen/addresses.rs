//! Where this collector can be reached, for tokens and for the local command line.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use farwatch_common::file::{read_if_present, write_private};
use serde::{Deserialize, Serialize};

use crate::config::Config;

const FILE_NAME: &str = "addresses.json";

/// What agents are told: `public` as configured, or the listening address if it is a real one. A
/// collector that listens on every address does not know under which of them agents reach it.
fn endpoints(listen: SocketAddr, public: &[String]) -> Vec<String> {
    let real = !listen.ip().is_unspecified() && listen.port() != 0;
    match public {
        [] if real => vec![listen.to_string()],
        public => public.to_vec(),
    }
}

/// What tokens name that are made beside the server: what is configured now counts before what
/// the last `serve` wrote, and that knows the port the system chose.
pub fn endpoints_beside(config: &Config) -> io::Result<Vec<String>> {
    let configured = || endpoints(config.listen.address, &config.listen.public);
    if !config.listen.public.is_empty() {
        return Ok(configured());
    }
    let served = Addresses::load(&config.data_dir)?;
    Ok(served.map_or_else(configured, |addresses| addresses.endpoints))
}

/// Written by `serve` once its doors are open; `token create` reads it from beside the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// UDP and TCP for agents, TLS for browsers.
    pub listen: SocketAddr,
    /// Plain HTTP on loopback.
    pub http: Option<SocketAddr>,
    /// HOST:PORT that agents are told, best first.
    pub endpoints: Vec<String>,
}

impl Addresses {
    #[must_use]
    pub fn new(listen: SocketAddr, http: Option<SocketAddr>, public: &[String]) -> Self {
        Self { listen, http, endpoints: endpoints(listen, public) }
    }

    pub fn save(&self, data_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        write_private(&data_dir.join(FILE_NAME), &text)
    }

    /// `None` if the collector never ran in `data_dir`.
    pub fn load(data_dir: &Path) -> io::Result<Option<Self>> {
        let text = read_if_present(&data_dir.join(FILE_NAME))?;
        text.map(|text| serde_json::from_slice(&text).map_err(io::Error::other)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_the_configuration() {
        let listen: SocketAddr = "192.0.2.1:443".parse().unwrap();
        assert_eq!(Addresses::new(listen, None, &[]).endpoints, ["192.0.2.1:443"]);
        let public = ["noc.example:443".to_owned()];
        assert_eq!(Addresses::new(listen, None, &public).endpoints, public);
        let wildcard: SocketAddr = "[::]:8443".parse().unwrap();
        assert!(Addresses::new(wildcard, None, &[]).endpoints.is_empty());
        assert_eq!(Addresses::new(wildcard, None, &public).endpoints, public);
    }

    #[test]
    fn what_is_configured_counts_before_what_was_served() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        assert!(endpoints_beside(&config).unwrap().is_empty());
        config.listen.address = "192.0.2.1:443".parse().unwrap();
        assert_eq!(endpoints_beside(&config).unwrap(), ["192.0.2.1:443"]);
        Addresses::new("127.0.0.1:4".parse().unwrap(), None, &[]).save(dir.path()).unwrap();
        assert_eq!(endpoints_beside(&config).unwrap(), ["127.0.0.1:4"]);
        config.listen.public = vec!["noc.example:443".to_owned()];
        assert_eq!(endpoints_beside(&config).unwrap(), ["noc.example:443"]);
    }

    #[test]
    fn the_command_line_reads_what_serve_wrote() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Addresses::load(dir.path()).unwrap(), None);
        let written = Addresses::new("127.0.0.1:4".parse().unwrap(), None, &[]);
        written.save(dir.path()).unwrap();
        assert_eq!(Addresses::load(dir.path()).unwrap(), Some(written));
    }
}
