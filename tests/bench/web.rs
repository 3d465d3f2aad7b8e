//! `bench-web`: how the web UI stands with 5,000 devices, of which 500 a second change.
//!
//! A collector, one agent's session that tells of the devices, and Chromium; what is measured in it is
//! in `collector/web/e2e/bench.mjs`. `bench-web [MINUTES]` of the wall, 30 by default.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use farwatch_support::bench::crowd::{Crowd, devices_of};
use farwatch_support::bench::figure;
use farwatch_support::stack::{Collector, EMAIL, PASSWORD};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

const DEVICES: usize = 5_000;
const POLLS_PER_SECOND: usize = 500;
const SCRIPT: &str = "../collector/web/e2e/bench.mjs";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let minutes = std::env::args().nth(1).unwrap_or_else(|| "30".to_owned());
    let dir = tempfile::tempdir()?;
    let collector = Collector::start(&dir.path().join("collector")).await;
    let client = collector.client().await;
    let state_dir = dir.path().join("agent");
    let devices = devices_of(&collector, &client, &state_dir, DEVICES).await?;
    let crowd = Crowd::begin(&collector, &state_dir, devices).await?;
    let mut polls = tokio::spawn(crowd.run(POLLS_PER_SECOND));
    let mut browser = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT))
        .args([&format!("http://{}", collector.http), EMAIL, &minutes])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    let mut input = browser.stdin.take().context("no input")?;
    input.write_all(PASSWORD.as_bytes()).await?;
    drop(input);
    let mut lines = BufReader::new(browser.stdout.take().context("no output")?).lines();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            ended = &mut polls => return ended?.context("the agent's session"),
        };
        let Some(line) = line else { break };
        match serde_json::from_str::<Value>(&line) {
            Ok(told) => {
                let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
                let value = told["value"].as_f64().with_context(|| line.clone())?;
                figure("web", &text("figure"), value, &text("unit"), told["budget"].as_f64());
            }
            Err(_) => eprintln!("{line}"),
        }
    }
    let status = browser.wait().await?;
    ensure!(status.success(), "the browser's part ended with {status}");
    Ok(())
}
