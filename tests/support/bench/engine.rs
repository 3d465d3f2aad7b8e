//! A database of either engine to measure on: what its server uses counts too.

use farwatch_collector::store::database::Server;
use farwatch_collector::store::{Database, DatabaseUrl, Engine};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::{children_cpu_s, own_cpu_s, process_cpu_s};
use crate::postgres::{Durability, INSTALLED, Postgres, SUPERUSER};

/// Bytes of all tables with their indexes.
const SIZE: &str = "SELECT CAST(sum(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class
                    WHERE relnamespace = 'farwatch'::regnamespace AND relkind = 'r'";

/// A directory, and a server of its own where the engine is one.
pub struct Place {
    pub dir: TempDir,
    server: Option<Postgres>,
}

impl Place {
    /// Commits are on disk before they are answered, on both.
    pub async fn make(engine: Engine) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let server = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                let server = Postgres::start(Durability::Kept).await?;
                server.installed().await?;
                Some(server)
            }
        };
        Ok(Self { dir, server })
    }

    pub async fn open(&self) -> anyhow::Result<Database> {
        Ok(match self.server_as("farwatch") {
            None => Database::open(self.dir.path()).await?,
            Some(server) => Database::connect(server).await?,
        })
    }

    /// As whoever may migrate it.
    #[must_use]
    pub fn superusers(&self) -> Option<Server> {
        self.server_as(SUPERUSER)
    }

    fn server_as(&self, user: &str) -> Option<Server> {
        let url = self.server.as_ref()?.url(user, INSTALLED);
        Some(Server::new(DatabaseUrl::from(url.as_str()), None))
    }

    /// CPU seconds of this process and of the server's.
    pub fn cpu_s(&self) -> anyhow::Result<f64> {
        let mut all = own_cpu_s()?;
        let Some(server) = &self.server else { return Ok(all) };
        for pid in server.processes()? {
            // One that ended meanwhile is in what the first has of its children.
            all += process_cpu_s(pid).unwrap_or_default();
        }
        all += server.pid().map_or(Ok(0.0), children_cpu_s)?;
        Ok(all)
    }

    /// Runs SQL past roles and tenants.
    pub async fn run(&self, sql: &'static str) -> anyhow::Result<()> {
        match self.connect().await? {
            None => {
                rusqlite::Connection::open(Database::file(self.dir.path()))?.execute_batch(sql)?
            }
            Some(mut superuser) => {
                sqlx::raw_sql(sql).execute(&mut superuser).await?;
            }
        }
        Ok(())
    }

    /// The number that the statement gives.
    pub async fn number(&self, sql: &'static str) -> anyhow::Result<i64> {
        Ok(match self.connect().await? {
            None => {
                let file = rusqlite::Connection::open(Database::file(self.dir.path()))?;
                file.query_row(sql, [], |row| row.get(0))?
            }
            Some(mut superuser) => sqlx::query_scalar(sql).fetch_one(&mut superuser).await?,
        })
    }

    /// What lies on disk, once nobody has it open.
    pub async fn disk_bytes(&self) -> anyhow::Result<f64> {
        Ok(match self.server {
            None => std::fs::metadata(Database::file(self.dir.path()))?.len() as f64,
            Some(_) => self.number(SIZE).await? as f64,
        })
    }

    async fn connect(&self) -> anyhow::Result<Option<PgConnection>> {
        let Some(server) = &self.server else { return Ok(None) };
        let mut superuser = PgConnection::connect(&server.url(SUPERUSER, INSTALLED)).await?;
        sqlx::raw_sql("SET search_path = farwatch").execute(&mut superuser).await?;
        Ok(Some(superuser))
    }
}
