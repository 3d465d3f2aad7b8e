//! Disks that say no: `fsync` fails and what was written may be gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;

use super::site::Site;
use super::{Figure, Ground, Measured, Skipped};
use crate::process::eventually;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(45);
const FAILS_FOR: Duration = Duration::from_secs(4);
/// What was synced before has its acknowledgement.
const SETTLED: Duration = Duration::from_secs(1);

/// Every sync of a process fails until it is dropped.
struct Failing {
    strace: Child,
    log: PathBuf,
}

impl Failing {
    fn process(pid: u32, log: &Path) -> Result<Self, Skipped> {
        let strace = Command::new("strace")
            .args(["-f", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"])
            .arg("-o")
            .arg(log)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let strace =
            strace.map_err(|_| Skipped("no strace here: apt-get install strace".into()))?;
        Ok(Self { strace, log: log.to_owned() })
    }

    fn failures(&self) -> usize {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter(|line| line.contains("(INJECTED)")).count()
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        // It lets go of the process on SIGTERM; killed, it would leave it stopped.
        let pid = self.strace.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let _ = self.strace.wait();
    }
}

/// Numbers of the batches that wait for an acknowledgement.
fn waiting(state_dir: &Path) -> BTreeSet<u64> {
    let file = Connection::open(state_dir.join("buffer.db")).unwrap();
    file.busy_timeout(LIMIT).unwrap();
    let mut statement = file.prepare("SELECT seq FROM waiting").unwrap();
    let seqs = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    seqs.map(|seq| seq.unwrap().cast_unsigned()).collect()
}

/// What could not be synced is not taken for stored, by agent and collector; nothing is lost.
pub async fn errors(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let mut figures = Vec::new();
    let mut acked = 0;
    let pids = [site.agent.pid().unwrap(), site.collector.pid()];
    let names = ["the agent's disk well to live", "the collector's disk well to live"];
    for (pid, name) in pids.into_iter().zip(names) {
        let log = ground.dir.path().join(format!("strace-{pid}"));
        let failing = Failing::process(pid, &log)?;
        let failed = tokio::time::timeout(
            FAILS_FOR,
            eventually(LIMIT, "a sync fails", async || failing.failures() > 0),
        );
        if failed.await.is_err() {
            return Err(Skipped("strace may not look at other processes here".into()));
        }
        tokio::time::sleep(SETTLED).await;
        let before = waiting(&site.agent.state_dir);
        tokio::time::sleep(FAILS_FOR).await;
        let after = waiting(&site.agent.state_dir);
        drop(failing);
        acked += before.difference(&after).count();
        figures.push(Figure::seconds(name, site.is_live(LIMIT).await, Duration::from_secs(15)));
    }
    let ended = !(site.collector.is_running() && site.agent.is_running());
    figures.push(Figure::at_most("acknowledged meanwhile", acked as f64, "batches", 0.0));
    figures.push(Figure::at_most("processes that ended", f64::from(u8::from(ended)), "", 0.0));
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}
