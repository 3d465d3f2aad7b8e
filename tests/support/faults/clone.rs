//! An agent whose state was copied and put back.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::process::eventually;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// What the agent sends between the copy and its return.
const ANSWERS: usize = 4;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp failed");
}

/// As a virtual machine that is put back to a snapshot: numbers come again with other contents. Found within
/// 60 s, and nothing is lost.
pub async fn rolled_back(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let state_dir = site.agent.state_dir.clone();
    let kept = ground.dir.path().join("copy");
    let mut found = Duration::ZERO;
    for _ in 0..ground.times.min(3) {
        site.kill().await;
        copy(&state_dir, &kept);
        site.revive().await;
        let seen = site.oracle.answers(0).len();
        eventually(LIMIT, "it goes on", async || site.oracle.answers(0).len() > seen + ANSWERS)
            .await;
        site.is_live(LIMIT).await;
        site.kill().await;
        copy(&kept, &state_dir);
        site.revive().await;
        let began = Instant::now();
        site.is_live(LIMIT).await;
        found = found.max(began.elapsed());
    }
    let mut figures = vec![Figure::seconds("return to live", found, LIMIT)];
    figures.extend(site.figures().await);
    Ok(figures)
}
