//! Where this collector can be reached, for tokens and for the local command line.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use farwatch_common::file::{read_if_present, write_private};
use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "addresses.json";

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
    /// `public` as configured; without it agents are told the listening address, or for a wildcard
    /// address this machine's loopback, which only an agent on the same machine can use.
    #[must_use]
    pub fn new(listen: SocketAddr, http: Option<SocketAddr>, public: &[String]) -> Self {
        let endpoints = match public {
            [] if listen.ip().is_unspecified() => vec![format!("localhost:{}", listen.port())],
            [] => vec![listen.to_string()],
            public => public.to_vec(),
        };
        Self { listen, http, endpoints }
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
        assert_eq!(Addresses::new(wildcard, None, &[]).endpoints, ["localhost:8443"]);
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
