use std::net::TcpListener;

use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{ConfigOutcome, SshLogin, config_outcome};
use prost::Message as _;

use super::*;
use crate::seal::Owner;

const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };

fn order(job: i64, port: u16) -> FetchConfig {
    let login = Some(SshLogin { user: "ada".to_owned(), ..SshLogin::default() });
    FetchConfig {
        job_id: job,
        device_id: 7,
        host: "127.0.0.1".to_owned(),
        port: port.into(),
        login,
        ..FetchConfig::default()
    }
}

fn told(outbox: &Outbox, job: i64) -> config_outcome::Kind {
    let waiting = outbox.load(ConfigJobId(job)).unwrap().unwrap();
    let plain = zstd::bulk::decompress(&waiting.whole, 1 << 20).unwrap();
    let outcome = ConfigOutcome::decode(plain.as_slice()).unwrap();
    assert!(outcome.began_us > 0 && outcome.began_us <= outcome.ended_us);
    outcome.kind.unwrap()
}

#[tokio::test]
async fn what_comes_of_a_job_is_on_disk_and_the_job_is_not_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Arc::new(Outbox::open(dir.path(), OWNER).unwrap());
    let clock = Clock::system();
    let jobs = Arc::new(Jobs::new(dir.path().to_owned(), Arc::clone(&outbox), clock.clone()));
    // Closed from here on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    jobs.take(order(1, port)).unwrap();
    let unknown = FetchConfig { platform: "none".to_owned(), ..order(2, port) };
    jobs.take(unknown).unwrap();
    jobs.take(order(1, port)).unwrap();
    assert_eq!(jobs.counts().waiting, 2);
    let mut held = outbox.held();
    let cancel = CancellationToken::new();
    tokio::select! {
        ended = Arc::clone(&jobs).run(cancel) => panic!("{ended:?}"),
        all = held.wait_for(|held| held.count() == 2) => drop(all.unwrap()),
    }
    for (job, cause) in [(1, "port_closed"), (2, "no_platform")] {
        let config_outcome::Kind::Failure(failure) = told(&outbox, job) else { panic!() };
        assert_eq!(failure.cause, cause);
    }
    jobs.take(order(1, port)).unwrap();
    assert_eq!((jobs.counts().waiting, jobs.counts().outcomes), (0, 2));
    let again = Arc::new(Outbox::open(dir.path(), OWNER).unwrap());
    let jobs = Jobs::new(dir.path().to_owned(), again, clock);
    jobs.take(order(2, port)).unwrap();
    assert_eq!(jobs.counts().waiting, 0, "its outcome was found again");
}

#[tokio::test]
async fn what_has_no_room_fails_for_that_reason() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    let times = Times { began: Clock::system().now(), ended: Clock::system().now() };
    let hash = |at: u32| *blake3::hash(&at.to_be_bytes()).as_bytes();
    let noise: Vec<u8> = (0..650_000).flat_map(hash).collect();
    let snapshot = || Snapshot {
        platform: "ios".to_owned(),
        raw: Secret::new(noise.clone()),
        normalised: String::new(),
        significant: String::new(),
        facts: Vec::new(),
        fingerprint: String::new(),
    };
    // Each has some 20 MiB.
    for job in 1..=7 {
        keep(&outbox, ConfigJobId(job), times, Ok(snapshot())).unwrap();
    }
    let config_outcome::Kind::Failure(failure) = told(&outbox, 7) else { panic!() };
    assert_eq!(failure.cause, "no_room");
    assert_eq!(outbox.held().borrow().count(), 7);
}
