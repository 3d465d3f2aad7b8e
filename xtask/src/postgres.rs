//! The PostgreSQL that tests run on: one cluster for all of them, gone when they are.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::build::{self, Profile};
use crate::services::Services;
use crate::stack::until;
use crate::{Result, cmd::note, repo};

/// Where tests look for it. Each makes a database of its own there; without the variable they are
/// skipped, so that plain `cargo nextest run` works, but never here.
pub(crate) const VARIABLE: &str = "FARWATCH_POSTGRES";

const READY_WITHIN: Duration = Duration::from_secs(90);

pub(crate) struct Postgres {
    _services: Services,
    url: String,
}

impl Postgres {
    /// Starts `farwatch-postgres`, which must have been built.
    pub(crate) fn start() -> Result<Self> {
        note("starting farwatch-postgres");
        let folder = repo::target().join("postgres");
        fs::create_dir_all(&folder)?;
        let log = folder.join("log");
        let mut services = Services::new()?;
        let program = build::binary(&build::folder(Profile::Dev), "farwatch-postgres");
        services.start("farwatch-postgres", log.clone(), Command::new(program))?;
        let mut text = String::new();
        until("PostgreSQL to be ready", READY_WITHIN, &mut services, || {
            text = fs::read_to_string(&log)?;
            Ok(text.lines().any(|line| line == "ready"))
        })?;
        let url = url(&text).ok_or("farwatch-postgres did not say its URL")?;
        Ok(Self { _services: services, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// `postgres URL`
fn url(log: &str) -> Option<String> {
    log.lines().find_map(|line| line.strip_prefix("postgres ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_stands_on_a_line_of_its_own() {
        let log = "postgres postgres:///postgres?host=/tmp/x&user=postgres\nready\n";
        assert_eq!(url(log).as_deref(), Some("postgres:///postgres?host=/tmp/x&user=postgres"));
        assert_eq!(url("ready\n"), None);
    }
}
