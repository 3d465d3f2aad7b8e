//! Disks that say no: `fsync` fails and what was written may be gone.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::site::Site;
use super::{Figure, Ground, Measured, Skipped};
use crate::process::eventually;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(45);
const FAILS_FOR: Duration = Duration::from_secs(4);

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

/// What could not be synced is not taken for stored, by agent and collector; nothing is lost.
pub async fn errors(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let mut figures = Vec::new();
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
        tokio::time::sleep(FAILS_FOR).await;
        drop(failing);
        figures.push(Figure::seconds(name, site.is_live(LIMIT).await, Duration::from_secs(15)));
    }
    let ended = !(site.collector.is_running() && site.agent.is_running());
    figures.push(Figure::at_most("processes that ended", f64::from(u8::from(ended)), "", 0.0));
    figures.extend(site.figures().await);
    Ok(figures)
}
