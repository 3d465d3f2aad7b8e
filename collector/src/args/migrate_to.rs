//! `migrate-to postgres`: moves the installation in the data directory to PostgreSQL.

use clap::Subcommand;

use super::place::Place;
use super::{UsageError, runtime, say};
use crate::config::{Config, DEFAULT_FILE};
use crate::migrate_to::{Moved, Progress, to_postgres};
use crate::store::database::{Server, Target};

#[derive(Debug, Subcommand)]
pub(super) enum MigrateTo {
    /// Copy everything in the SQLite file to an empty PostgreSQL database, and compare
    ///
    /// Stop the collector first. --database-url is of a superuser, or of the database's owner who may
    /// make roles, as for `migrate`, which this does too. The file is left as it is. If it ends in the
    /// middle, the same command goes on.
    Postgres {
        #[command(flatten)]
        place: Place,
    },
}

impl MigrateTo {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Postgres { place } = self;
        let config = place.load(Vec::new())?;
        let Target::Postgres(server) = config.database()? else {
            let text = "name the PostgreSQL database with --database-url";
            return Err(UsageError(text.to_owned()).into());
        };
        let mut progress = Progress::stderr();
        let moved = runtime()?.block_on(to_postgres(&config.data_dir, &server, &mut progress))?;
        tell(&config, &server, &moved)
    }
}

fn tell(config: &Config, server: &Server, moved: &Moved) -> anyhow::Result<()> {
    let Moved { tables, rows, chains, broken_chains } = moved;
    let dir = config.data_dir.display();
    let sound = chains - broken_chains;
    say(&format!(
        "PostgreSQL at {server:?} has all of it: {rows} rows in {tables} tables, each compared; \
         {sound} of {chains} chains of the audit are sound"
    ))?;
    let url = server.login_url()?;
    say(&format!(
        "next, in {DEFAULT_FILE}:\n\n\
         [database]\n\
         url = \"{url}\"\n\
         password_file = \"/etc/farwatch/database.password\"\n\n\
         `farwatch-collector migrate --login-password-file` gives the login that password, unless \
         the server knows it by another way. Then start the collector.\n\
         The master key and the certificate authority are not in the database: {dir} stays where \
         it is. Its farwatch.db is read no more; keep it until all is well."
    ))
}
