//! `farwatch-sim` as other tests and the demo use it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use farwatch_agent::poll::{Observation, SnmpVersion};
use farwatch_common::sample::Group;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::faults::{start, target};

const PATIENCE: Duration = Duration::from_secs(30);

struct Sim {
    child: Child,
    routers: Vec<(String, SocketAddr, String)>,
}

async fn sim(arguments: &[&str]) -> Sim {
    let mut child = Command::new(env!("CARGO_BIN_EXE_farwatch-sim"))
        .args(arguments)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut routers = Vec::new();
    loop {
        let line =
            tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        if line == "ready" {
            return Sim { child, routers };
        }
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!((words.len(), words[0]), (4, "router"));
        routers.push((words[1].into(), words[2].parse().unwrap(), words[3].into()));
    }
}

impl Sim {
    async fn end(mut self) {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        assert!(ended.success());
    }
}

#[tokio::test]
async fn addresses_stay_when_the_simulator_is_restarted() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("ports");
    let arguments = ["--count", "5", "--state-file", state.to_str().unwrap()];
    let first = sim(&arguments).await;
    let routers = first.routers.clone();
    assert_eq!(routers.len(), 5);
    first.end().await;
    let second = sim(&arguments).await;
    assert_eq!(second.routers, routers);
    second.end().await;
}

/// Unix time and value of each line of the oracle's log.
fn log(path: &Path) -> Vec<(i64, i64)> {
    let pair = |line: &str| {
        let (at, value) = line.split_once(' ').unwrap();
        (at.parse().unwrap(), value.parse().unwrap())
    };
    std::fs::read_to_string(path).unwrap().lines().map(pair).collect()
}

#[tokio::test]
async fn the_oracle_rises_by_one_per_poll_and_over_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("oracle.log");
    let mut polled = Vec::new();
    for _ in 0..2 {
        let running = sim(&["--oracle", path.to_str().unwrap()]).await;
        let (_, address, community) = running.routers[0].clone();
        let mut polling = start(vec![target(1, address, SnmpVersion::V2c, &community)], 64);
        let wanted = polled.len() + 4;
        while polled.len() < wanted {
            let next = tokio::time::timeout(PATIENCE, polling.observations.recv()).await.unwrap();
            if let Some(Observation::Row { row, schema }) = next
                && row.group == Group::Interfaces
            {
                assert_eq!(schema.columns[0].metric, "if_in_octets_total");
                polled.push(row.values[0].unwrap());
            }
        }
        drop(polling);
        running.end().await;
        // Answers on their way at the end count as sent, not as seen.
        let sent: Vec<i64> = log(&path).into_iter().map(|(_, value)| value).collect();
        assert_eq!(sent, (1..=sent.len() as i64).collect::<Vec<_>>());
        assert!(polled.iter().all(|value| sent.contains(value)));
        let first_of_run = polled[wanted - 4];
        let expected: Vec<i64> = (first_of_run..first_of_run + 4).collect();
        assert_eq!(polled[wanted - 4..], expected);
    }
}
