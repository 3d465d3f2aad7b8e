//! Jobs of the collector: carried out against a device, their outcomes on disk, and after a restart
//! found again.

use std::path::Path;
use std::sync::Arc;

use farwatch_agent::history::jobs::{FETCHES_AT_ONCE, JobCounts, Jobs, OrderError};
use farwatch_agent::history::outbox::Outbox;
use farwatch_agent::seal::Owner;
use farwatch_common::clock::Clock;
use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_proto::v1::{FetchConfig, SshLogin};
use farwatch_support::ssh::{Asks, PASSWORD, Server, USER, switch};
use tokio_util::sync::CancellationToken;

use super::LIMIT;
use super::login::CONFIG;

const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };

struct Agent {
    jobs: Arc<Jobs>,
    outbox: Arc<Outbox>,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        let outbox = Arc::new(Outbox::open(dir, OWNER).unwrap());
        let jobs = Jobs::new(dir.to_owned(), Arc::clone(&outbox), Clock::system());
        Self { jobs: Arc::new(jobs), outbox }
    }

    /// Carries jobs out until so many outcomes wait.
    async fn works_until(&self, outcomes: usize) {
        let mut held = self.outbox.held();
        let cancel = CancellationToken::new();
        let all = async {
            tokio::select! {
                ended = Arc::clone(&self.jobs).run(cancel.clone()) => panic!("{ended:?}"),
                all = held.wait_for(|held| held.count() == outcomes) => drop(all.unwrap()),
            }
        };
        tokio::time::timeout(LIMIT, all).await.unwrap();
    }
}

fn order(server: &Server, job: i64, password: &str) -> FetchConfig {
    let (user, password) = (USER.to_owned(), password.as_bytes().to_vec());
    FetchConfig {
        job_id: job,
        device_id: job,
        host: "127.0.0.1".to_owned(),
        port: server.port.into(),
        login: Some(SshLogin { user, password, ..SshLogin::default() }),
        ..FetchConfig::default()
    }
}

#[tokio::test]
async fn a_job_is_done_once_and_its_outcome_survives_a_restart() {
    let server = switch(Asks::Password, CONFIG).start().await;
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(dir.path());
    agent.jobs.take(order(&server, 5, PASSWORD)).unwrap();
    agent.jobs.take(order(&server, 5, PASSWORD)).unwrap();
    assert_eq!(agent.jobs.counts(), JobCounts { waiting: 1, ..JobCounts::default() });
    agent.works_until(1).await;
    let after = agent.jobs.counts();
    assert_eq!((after.waiting, after.outcomes), (0, 1));
    // The session ended before the collector heard of it: it gives the job again.
    agent.jobs.take(order(&server, 5, PASSWORD)).unwrap();
    assert_eq!(agent.jobs.counts().waiting, 0);
    drop(agent);
    let again = Agent::start(dir.path());
    assert_eq!(again.jobs.counts().outcome_bytes, after.outcome_bytes);
    again.jobs.take(order(&server, 5, PASSWORD)).unwrap();
    assert_eq!(again.jobs.counts().waiting, 0, "its outcome waits");
    let kept = std::fs::read_dir(dir.path().join("outcomes")).unwrap();
    for file in kept.map(|file| std::fs::read(file.unwrap().path()).unwrap()) {
        assert!(!file.windows(6).any(|bytes| bytes == b"canary"));
    }
}

#[tokio::test]
async fn many_jobs_are_carried_out_and_failures_are_outcomes_too() {
    let server = switch(Asks::Password, CONFIG).start().await;
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(dir.path());
    let count = FETCHES_AT_ONCE * 2;
    for job in 1..=count as i64 {
        agent.jobs.take(order(&server, job, if job == 2 { "wrong" } else { PASSWORD })).unwrap();
    }
    let unknown = FetchConfig { platform: "none".to_owned(), ..order(&server, 99, PASSWORD) };
    agent.jobs.take(unknown).unwrap();
    agent.works_until(count + 1).await;
    let bad = FetchConfig { port: 0, ..order(&server, 100, PASSWORD) };
    assert!(matches!(agent.jobs.take(bad), Err(OrderError::Invalid(_))));
}

/// A device that is far larger than the others.
#[tokio::test]
async fn a_configuration_of_megabytes_is_kept_in_little_room() {
    let route = |at: usize| format!("ip route 10.{}.{}.0 255.255.255.0 192.0.2.1\n", at / 250, at);
    let large: String = (0..50_000).map(route).collect();
    let config = format!("hostname sw1\n{large}end\n");
    assert!(config.len() > 2_000_000);
    let server = switch(Asks::Password, &config).start().await;
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(dir.path());
    agent.jobs.take(order(&server, 1, PASSWORD)).unwrap();
    agent.works_until(1).await;
    let bytes = agent.jobs.counts().outcome_bytes;
    assert!((10_000..1_000_000).contains(&bytes), "{bytes} bytes, or a failure");
}
