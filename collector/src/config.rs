//! The collector's settings: one TOML file, environment and flags on top (`farwatch_common::config`).

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use farwatch_common::config::{Config as Layered, Problem};
use farwatch_common::secret::Secret;
use farwatch_common::{logging, token};
use serde::{Deserialize, Serialize};

use crate::history::mirror::config::History;
use crate::notify::config::Notify;
use crate::store::DatabaseUrl;
use crate::store::database::{Server, Target};

/// Read when it is there and no other is named.
pub const DEFAULT_FILE: &str = "/etc/farwatch/collector.toml";
pub const DEFAULT_DATA_DIR: &str = "/var/lib/farwatch-collector";
const DEFAULT_PORT: u16 = 443;
/// Shorter ones can be guessed; an empty one is a file somebody forgot to fill.
const METRICS_TOKEN_BYTES_MIN: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Keys, certificates, and the database unless it is PostgreSQL.
    pub data_dir: PathBuf,
    pub database: Database,
    pub listen: Listen,
    pub tls: Tls,
    pub metrics: Metrics,
    pub notify: Notify,
    pub history: History,
    pub log: Log,
    /// Where all this was read from, or would have been: for messages of what to write there.
    #[serde(skip)]
    pub file: PathBuf,
}

/// A file in the data directory if no URL is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    /// Of PostgreSQL: `postgres://farwatch@HOST/NAME`.
    pub url: Option<DatabaseUrl>,
    /// Holds the password of the URL's login; one in the URL comes before it.
    pub password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listen {
    /// UDP for agents, TCP for enrolment, the web UI and the API.
    pub address: SocketAddr,
    /// Plain HTTP for the web UI and the API; loopback only.
    pub http: Option<SocketAddr>,
    /// `HOST:PORT` under which agents reach this collector, best first; goes into tokens.
    pub public: Vec<String>,
}

/// The certificate browsers see; self-signed if none is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tls {
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Holds the bearer token for `/metrics`; without it only the loopback listener serves them.
    pub token_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    /// `FARWATCH_LOG` overrides it.
    pub filter: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: DEFAULT_DATA_DIR.into(),
            database: Database::default(),
            listen: Listen::default(),
            tls: Tls::default(),
            metrics: Metrics::default(),
            notify: Notify::default(),
            history: History::default(),
            log: Log::default(),
            file: DEFAULT_FILE.into(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        Self { address: SocketAddr::new(any, DEFAULT_PORT), http: None, public: Vec::new() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: logging::DEFAULT_FILTER.to_owned() }
    }
}

/// What to do so that agents are told where this collector is. `file` is the configuration file, in
/// words that its reader may know.
#[must_use]
pub fn public_advice(file: impl std::fmt::Display) -> String {
    format!(
        "write `public = [\"HOST:PORT\"]` under `[listen]` in {file}, then restart the collector"
    )
}

/// Why the password of the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabasePasswordError {
    #[error("cannot read {path}, which database.password_file names; write the password to it")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} is empty: write the password of the database's login to it, or take \
         database.password_file out"
    )]
    Empty { path: PathBuf },
}

/// Why the token of `/metrics` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetricsTokenError {
    #[error("cannot read {path}, which metrics.token_file names; write the token to it")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} holds {found} bytes, too few to protect /metrics: write a random token of at least \
         {METRICS_TOKEN_BYTES_MIN} to it, or take metrics.token_file out"
    )]
    Short { path: PathBuf, found: usize },
}

impl Config {
    /// Names and addresses under which browsers and agents reach this collector, as far as the
    /// configuration says.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let address = self.listen.address.ip();
        let own = (!address.is_unspecified()).then(|| address.to_string());
        let public = self.listen.public.iter().filter_map(|endpoint| {
            let (host, _) = endpoint.rsplit_once(':')?;
            Some(host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase())
        });
        own.into_iter().chain(public).collect()
    }

    /// Where people find the web UI, as far as the configuration says: with agents, at the first address.
    #[must_use]
    pub fn web(&self) -> Option<String> {
        let first = self.listen.public.first()?;
        Some(format!("https://{}", first.strip_suffix(":443").unwrap_or(first)))
    }

    /// Which database is meant.
    pub fn database(&self) -> Result<Target, DatabasePasswordError> {
        let Some(url) = &self.database.url else {
            return Ok(Target::Sqlite(self.data_dir.clone()));
        };
        let file = self.database.password_file.as_ref().filter(|_| !url.has_password());
        let password = file.map(read_password).transpose()?;
        Ok(Target::Postgres(Server::new(url.clone(), password)))
    }

    /// The bearer token of `/metrics`, if one is configured.
    pub fn metrics_token(&self) -> Result<Option<Secret>, MetricsTokenError> {
        let Some(path) = &self.metrics.token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| MetricsTokenError::Read { path: path.clone(), source })?;
        let token = text.trim();
        if token.len() < METRICS_TOKEN_BYTES_MIN {
            return Err(MetricsTokenError::Short { path: path.clone(), found: token.len() });
        }
        Ok(Some(Secret::from(token)))
    }
}

fn read_password(path: &PathBuf) -> Result<Secret, DatabasePasswordError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| DatabasePasswordError::Read { path: path.clone(), source })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(DatabasePasswordError::Empty { path: path.clone() }),
        password => Ok(Secret::from(password)),
    }
}

impl Layered for Config {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |sound: bool, key: &str, message: &str| {
            if !sound {
                problems.push(Problem::new(key, message));
            }
        };
        check(
            self.listen.http.is_none_or(|http| http.ip().is_loopback()),
            "listen.http",
            "plain HTTP is for this machine only: give a loopback address like 127.0.0.1:8080, \
             others use listen.address",
        );
        check(
            self.tls.cert_file.is_some() == self.tls.key_file.is_some(),
            "tls",
            "cert_file and key_file belong together: give both or none",
        );
        check(
            self.listen.public.iter().all(|endpoint| token::is_endpoint(endpoint)),
            "listen.public",
            "each must be HOST:PORT, for example farwatch.example.net:443",
        );
        check(
            self.listen.public.len() <= token::ENDPOINTS_MAX,
            "listen.public",
            "a token names at most 8 endpoints",
        );
        check(
            !self.data_dir.as_os_str().is_empty(),
            "data_dir",
            "name the directory that holds the keys and the database",
        );
        check(
            self.database.url.as_ref().is_none_or(DatabaseUrl::is_sound),
            "database.url",
            "this is not the URL of a PostgreSQL database, as in postgres://farwatch@HOST/NAME",
        );
        check(
            self.database.url.is_some() || self.database.password_file.is_none(),
            "database.password_file",
            "it is of no use without database.url",
        );
        if let Err(error) = logging::parse(&self.log.filter) {
            check(false, "log.filter", &error.to_string());
        }
        problems.extend(self.notify.problems());
        problems.extend(self.history.problems());
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farwatch_common::config::{ConfigError, Layers};

    #[test]
    fn the_defaults_are_sound_and_survive_printing() {
        let config = Layers::default().load::<Config>().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
    }

    #[test]
    fn hosts_are_what_the_configuration_names() {
        let mut config = Config::default();
        assert!(config.hosts().is_empty());
        config.listen.address = "192.0.2.1:443".parse().unwrap();
        config.listen.public = vec!["NOC.example:443".to_owned(), "[2001:db8::1]:443".to_owned()];
        assert_eq!(config.hosts(), ["192.0.2.1", "noc.example", "2001:db8::1"]);
    }

    #[test]
    fn links_lead_to_the_first_public_address() {
        let mut config = Config::default();
        assert_eq!(config.web(), None);
        for (public, web) in [
            ("noc.example:443", "https://noc.example"),
            ("noc.example:8443", "https://noc.example:8443"),
            ("[2001:db8::1]:443", "https://[2001:db8::1]"),
        ] {
            config.listen.public = vec![public.to_owned(), "other.example:443".to_owned()];
            assert_eq!(config.web().as_deref(), Some(web));
        }
    }

    #[test]
    fn the_password_of_the_database_is_printed_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        let load = |url: &str, file: Option<&PathBuf>| {
            let url = ("FARWATCH__DATABASE__URL".to_owned(), url.to_owned());
            let name = "FARWATCH__DATABASE__PASSWORD_FILE".to_owned();
            let file = file.map(|file| (name, file.to_str().unwrap().to_owned()));
            let environment = [url].into_iter().chain(file).collect();
            Layers { environment, ..Layers::default() }.load::<Config>()
        };
        let config = load("postgres://farwatch:hunter2@db/f", None).unwrap();
        let shown =
            format!("{config:?} {} {:?}", toml::to_string(&config).unwrap(), config.database());
        assert!(shown.contains("postgres://farwatch:...@db/f"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let refused = load("postgres://farwatch:hunter2@db:x/f", None).unwrap_err().to_string();
        assert!(refused.contains("database.url") && !refused.contains("hunter2"), "{refused}");
        // The file is for a URL without one.
        let config = load("postgres://farwatch@db/f", Some(&file)).unwrap();
        assert!(config.database().unwrap_err().to_string().contains("database.password_file"));
        std::fs::write(&file, "\n").unwrap();
        assert!(matches!(config.database(), Err(DatabasePasswordError::Empty { .. })));
        std::fs::write(&file, "hunter2\n").unwrap();
        let shown = format!("{:?}", config.database());
        assert!(shown.contains("db:5432, database f") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_metrics_token_that_protects_nothing_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let mut config = Config::default();
        assert!(config.metrics_token().unwrap().is_none());
        config.metrics.token_file = Some(path.clone());
        let told = |config: &Config| config.metrics_token().unwrap_err().to_string();
        assert!(told(&config).contains("metrics.token_file"), "{}", told(&config));
        for short in ["", " \n", "fifteen letters\n"] {
            std::fs::write(&path, short).unwrap();
            assert!(told(&config).contains("at least 16"), "{short:?}: {}", told(&config));
        }
        std::fs::write(&path, "sixteen letters!\n").unwrap();
        let token = config.metrics_token().unwrap();
        assert_eq!(token, Some(Secret::from("sixteen letters!")));
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_halves_are_told() {
        let environment = [
            ("FARWATCH__LISTEN__HTTP", "0.0.0.0:80"),
            ("FARWATCH__TLS__CERT_FILE", "/x"),
            ("FARWATCH__LISTEN__PUBLIC", r#"["nowhere"]"#),
            ("FARWATCH__LOG__FILTER", "a=b=c"),
            ("FARWATCH__LISTEN__ADDRESS", "here"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let layers = Layers { environment: environment.into(), ..Layers::default() };
        let Err(ConfigError::Problems(problems)) = layers.load::<Config>() else {
            panic!("accepted")
        };
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["listen.address", "listen.http", "listen.public", "log.filter", "tls"]);
    }
}
