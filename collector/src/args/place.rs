//! Where the settings are: the flags that every command takes.

use std::path::PathBuf;

use clap::Args;
use farwatch_common::config::{ConfigError, Layers};
use toml::Value;

use super::complain;
use crate::config::{Config, DEFAULT_DATA_DIR, DEFAULT_FILE};
use crate::store::DatabaseUrl;

/// Where the settings are.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Configuration file [default: /etc/farwatch/collector.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DIR",
        help = format!("Directory of the database and the keys [default: {DEFAULT_DATA_DIR}]")
    )]
    data_dir: Option<PathBuf>,
    /// PostgreSQL in place of the file in the data directory
    #[arg(long, value_name = "postgres://USER@HOST/NAME", value_parser = url)]
    database_url: Option<DatabaseUrl>,
}

/// Never refuses: the refusal would quote it, password and all. The configuration checks it.
#[expect(clippy::unnecessary_wraps, reason = "the form of a parser")]
fn url(text: &str) -> Result<DatabaseUrl, std::convert::Infallible> {
    Ok(DatabaseUrl::from(text))
}

impl Place {
    pub(super) fn load(self, mut flags: Vec<(&'static str, Value)>) -> Result<Config, ConfigError> {
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists());
        if let Some(dir) = &self.data_dir {
            flags.push(("data_dir", Value::String(dir.to_string_lossy().into_owned())));
        }
        if let Some(url) = &self.database_url {
            if url.has_password() {
                complain(
                    "warning: everybody on this machine can read the password in --database-url; \
                     put it into a file that database.password_file names",
                );
            }
            flags.push(("database.url", Value::String(url.expose().to_owned())));
        }
        let file = self.config.or_else(default);
        let environment = std::env::vars().collect();
        let mut config: Config = Layers { file: file.clone(), environment, flags }.load()?;
        if let Some(file) = file {
            config.file = std::path::absolute(&file).unwrap_or(file);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_know_their_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let config = Some(file.path().to_owned());
        let place = Place { config, data_dir: None, database_url: None };
        assert_eq!(place.load(Vec::new()).unwrap().file, file.path());
        assert_eq!(Config::default().file, PathBuf::from(DEFAULT_FILE));
    }
}
