//! The faults of the promise (docs/delivery.md): each a row that says what is done and what is promised of
//! it, with a round that does it to real processes and measures.
//!
//! `./x faults` runs them and prints what was measured beside what is promised; a few run in CI. A round
//! fails by a figure beyond its limit, or by a panic of the harness.

pub mod clock;
pub mod clone;
pub mod corrupt;
pub mod disk;
pub mod garbage;
pub mod gear;
pub mod herd;
pub mod io;
pub mod kill;
pub mod outage;
pub mod road;
pub mod site;
pub mod table;
pub mod wire;

use std::pin::Pin;
use std::time::Duration;

use farwatch_collector::store::Database;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::postgres::{Durability, INSTALLED, Postgres, SUPERUSER, binaries};
use crate::stack::{COLLECTOR_CONFIG, Collector};

/// A round takes no longer, but for [`CROWD`].
pub const ROUND_MAX: Duration = Duration::from_secs(60);
const CROWD: &str = "F19";
/// Making thousands of agents takes its time, and what is promised of them is said in minutes.
const CROWD_MAX: Duration = Duration::from_secs(300);

/// What a collector keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// One figure of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    /// The most it may be; told only, without.
    pub limit: Option<f64>,
}

impl Figure {
    #[must_use]
    pub fn at_most(name: &'static str, value: f64, unit: &'static str, limit: f64) -> Self {
        Self { name, value, unit, limit: Some(limit) }
    }

    #[must_use]
    pub fn told(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, limit: None }
    }

    #[must_use]
    pub fn seconds(name: &'static str, took: Duration, limit: Duration) -> Self {
        Self::at_most(name, took.as_secs_f64(), "s", limit.as_secs_f64())
    }

    #[must_use]
    pub fn is_met(&self) -> bool {
        self.limit.is_none_or(|limit| self.value <= limit)
    }
}

/// Why a round could not be done here: a right or a program is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped(pub String);

pub type Measured = Result<Vec<Figure>, Skipped>;
type Round = for<'a> fn(&'a Ground) -> Pin<Box<dyn Future<Output = Measured> + 'a>>;

/// A fault.
pub struct Row {
    /// As in the table of the promise: `F1`.
    pub id: &'static str,
    pub title: &'static str,
    /// Those where the fault has to do with what the collector keeps its data in: both.
    pub engines: &'static [Engine],
    pub round: Round,
}

impl Row {
    /// What a round may take.
    #[must_use]
    pub fn within(&self) -> Duration {
        if self.id == CROWD { CROWD_MAX } else { ROUND_MAX }
    }
}

/// All rows, in order.
pub const ROWS: &[Row] = &[
    Row {
        id: "F1",
        title: "kill -9 of the agent",
        engines: &Engine::ALL,
        round: |ground| Box::pin(kill::agent(ground)),
    },
    Row {
        id: "F2",
        title: "kill -9 of the collector",
        engines: &Engine::ALL,
        round: |ground| Box::pin(kill::collector(ground)),
    },
    Row {
        id: "F3",
        title: "kill -9 and immediate stop of PostgreSQL",
        engines: &[Engine::Postgres],
        round: |ground| Box::pin(kill::postgresql(ground)),
    },
    Row {
        id: "F5",
        title: "the agent's disk is full",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(disk::agent(ground)),
    },
    Row {
        id: "F6",
        title: "the collector's disk is full",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(disk::collector(ground)),
    },
    Row {
        id: "F7",
        title: "every sync of the disk fails for a while, at the agent and at the collector",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(io::errors(ground)),
    },
    Row {
        id: "F8",
        title: "the agent's file is damaged: flips, cut short, without its log, empty, zeros",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(corrupt::agent(ground)),
    },
    Row {
        id: "F10",
        title: "the agent's clock: +1 h, -1 h, +10 years, 1970 at the start",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(clock::set(ground)),
    },
    Row {
        id: "F11",
        title: "a day without a line, the agent killed in the drain",
        engines: &Engine::ALL,
        round: |ground| Box::pin(outage::day(ground)),
    },
    Row {
        id: "F12",
        title: "20 % loss, 200 ms, 10 % out of order, 2 Mbit/s",
        engines: &Engine::ALL,
        round: |ground| Box::pin(road::bad(ground)),
    },
    Row {
        id: "F13",
        title: "a NAT that forgets every 3 s",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(road::rebound(ground)),
    },
    Row {
        id: "F14",
        title: "UDP is blocked at the start and later",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(road::without_udp(ground)),
    },
    Row {
        id: "F15",
        title: "a line that swallows everything",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(road::swallowed(ground)),
    },
    Row {
        id: "F16",
        title: "500 agents, and the collector restarted in order, twice",
        engines: &Engine::ALL,
        round: |ground| Box::pin(herd::restart(ground)),
    },
    Row {
        id: "F18",
        title: "batches twice, out of order, again later, cut short",
        engines: &Engine::ALL,
        round: |ground| Box::pin(wire::again(ground)),
    },
    Row {
        id: CROWD,
        title: "2,000 agents at once, each with an hour of backlog",
        engines: &Engine::ALL,
        round: |ground| Box::pin(herd::reconnect(ground)),
    },
    Row {
        id: "F20",
        title: "every 100th batch cannot be read",
        engines: &Engine::ALL,
        round: |ground| Box::pin(wire::poison(ground)),
    },
    Row {
        id: "F21",
        title: "30 % of the gear does not answer, one device says a byte a second",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(gear::slow(ground)),
    },
    Row {
        id: "F22",
        title: "garbage at every door and out of gear",
        engines: &[Engine::Sqlite],
        round: |ground| Box::pin(garbage::everywhere(ground)),
    },
    Row {
        id: "F23",
        title: "the agent is put back to an old copy of itself",
        engines: &Engine::ALL,
        round: |ground| Box::pin(clone::rolled_back(ground)),
    },
    Row {
        id: "F23b",
        title: "a copy of the agent runs beside it",
        engines: &Engine::ALL,
        round: |ground| Box::pin(clone::run_twice(ground)),
    },
];

/// The row of this id.
#[must_use]
pub fn row(id: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.id.eq_ignore_ascii_case(id))
}

/// Where a round happens: a folder and, if it wants one, a PostgreSQL of its own. Gone when dropped.
#[derive(Debug)]
pub struct Ground {
    pub dir: TempDir,
    pub engine: Engine,
    /// What chance there is comes from it.
    pub seed: u64,
    /// A figure of some rounds is scaled by how often something is done; CI does it less often.
    pub times: usize,
    cluster: Option<(tokio::sync::Mutex<Postgres>, String)>,
}

impl Ground {
    pub async fn new(engine: Engine, seed: u64, times: usize) -> Result<Self, Skipped> {
        let cluster = match engine {
            Engine::Sqlite => None,
            Engine::Postgres if binaries().is_none() => {
                return Err(Skipped("no PostgreSQL here: run ./x test it".into()));
            }
            Engine::Postgres => {
                let cluster = Postgres::start(Durability::Kept).await.unwrap();
                let url = cluster.installed().await.unwrap();
                Some((tokio::sync::Mutex::new(cluster), url))
            }
        };
        let dir = tempfile::tempdir().unwrap();
        Ok(Self { dir, engine, seed, times, cluster })
    }

    /// Another one like it.
    pub async fn again(&self) -> Result<Self, Skipped> {
        Self::new(self.engine, self.seed, self.times).await
    }

    /// What the collector of this ground is to have as its configuration.
    pub fn configure(&self, config: &str) {
        let dir = self.dir.path().join("collector");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(COLLECTOR_CONFIG), config).unwrap();
    }

    /// A collector on this ground's engine.
    pub async fn collector(&self) -> Collector {
        let url = self.cluster.as_ref().map(|(_, url)| url.clone());
        Collector::start_on(&self.dir.path().join("collector"), url).await
    }

    /// Runs SQL past roles and tenants, while no collector is there.
    pub async fn run_sql(&self, sql: &str) {
        match &self.cluster {
            None => {
                let file = Database::file(&self.dir.path().join("collector"));
                rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
            }
            Some((cluster, _)) => {
                let url = cluster.lock().await.url(SUPERUSER, INSTALLED);
                let mut superuser = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql("SET search_path = farwatch").execute(&mut superuser).await.unwrap();
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
            }
        }
    }

    /// The number that a query of the collector's database finds.
    pub async fn count_by_sql(&self, sql: &str) -> i64 {
        match &self.cluster {
            None => {
                let file = Database::file(&self.dir.path().join("collector"));
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.busy_timeout(ROUND_MAX).unwrap();
                connection.query_row(sql, [], |row| row.get(0)).unwrap()
            }
            Some((cluster, _)) => {
                let url = cluster.lock().await.url(SUPERUSER, INSTALLED);
                let mut superuser = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql("SET search_path = farwatch").execute(&mut superuser).await.unwrap();
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                sqlx::query_scalar(sql).fetch_one(&mut superuser).await.unwrap()
            }
        }
    }

    /// Of a round on PostgreSQL.
    pub async fn postgres(&self) -> tokio::sync::MutexGuard<'_, Postgres> {
        self.cluster.as_ref().expect("the row is of PostgreSQL").0.lock().await
    }
}
