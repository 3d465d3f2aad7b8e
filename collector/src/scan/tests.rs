//! Scans from their beginning to their end, on both engines, with an agent of the protocol alone.

use farwatch_common::clock::Clock;
use farwatch_common::id::IdGenerator;
use farwatch_common::task::spawn_child;
use farwatch_proto::v1::command;
use tokio_util::sync::DropGuard;
use tonic::Code;

use super::store::{scan_begin, scan_get, scan_hosts, scan_list};
use super::*;
use crate::command::Commands;
use crate::command::tests::{Agent, Answers};
use crate::history::fixture::Place;
use crate::metrics::Metrics;
use crate::store::Database;
use crate::store::fixture::{AGENT, NEIGHBOUR, Raw, TENANT};

const SITE: SiteId = SiteId(5);
const LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// A scanner on a database of its own.
struct World {
    place: Place,
    agent: Arc<Agent>,
    scans: Scans,
    context: TenantContext,
    ids: IdGenerator,
    metrics: Metrics,
    _stop: DropGuard,
}

impl World {
    async fn each(patience: Duration) -> Vec<Self> {
        let mut worlds = Vec::new();
        for place in Place::each().await {
            let context = TenantContext::local(&place.db).await.unwrap();
            let metrics = Metrics::default();
            let (agent, scans, stop) = started(&place.db, patience, &metrics).await;
            let (ids, _stop) = (IdGenerator::new(1), stop.drop_guard());
            worlds.push(Self { place, agent, scans, context, ids, metrics, _stop });
        }
        worlds
    }

    fn wish(&self, addresses: u32) -> Wish {
        let hosts = (0..addresses).map(|at| Ipv4Addr::from_bits(0x0a00_0001 + at)).collect();
        let named = |name: &str| name.to_owned();
        let profile = Named { id: CredentialId(1), name: named("all") };
        let now = Clock::system().now();
        let scan = Scan {
            id: ScanId(self.ids.next(now)),
            tenant: Named { id: TENANT, name: named("one") },
            site: Named { id: SITE, name: named("here") },
            agent: Named { id: AGENT, name: named("a") },
            asked_by: named("ada"),
            ranges: vec![named("10.0.0.0/24")],
            profiles: vec![Tried { profile: profile.clone(), tag: Some(named("core")) }],
            port: 161,
            packets_per_second: PACKETS_PER_SECOND_MAX,
            state: State::Running,
            asked: 0,
            total: addresses,
            found: 0,
            detail: None,
            started_at: now,
            ended_at: None,
        };
        let candidate = Candidate { profile, version: "v2c", credential: "a-secret".into() };
        Wish {
            scan,
            context: self.context.clone(),
            hosts,
            candidates: vec![candidate],
            left_out: 0,
        }
    }

    async fn begin(&self, addresses: u32) -> ScanId {
        let wish = self.wish(addresses);
        let id = wish.scan.id;
        let written = scan_begin(&self.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        assert!(self.scans.begin(self.scans.turn(TENANT, id).unwrap(), wish));
        id
    }

    async fn get(&self, id: ScanId) -> Scan {
        scan_get(&self.place.db, &self.context, id).await.unwrap()
    }

    /// The scan, once it is so.
    async fn once(&self, id: ScanId, is_so: impl Fn(&Scan) -> bool) -> Scan {
        until("the scan gets there", async || {
            let scan = self.get(id).await;
            is_so(&scan).then_some(scan)
        })
        .await
    }

    /// Waits until the end of a scan could not be written, by who counts that here.
    async fn is_late(metrics: &Metrics) {
        let late = metrics.counter("scan_ends_late_total", "", &[]);
        until("an end is late", async || (late.get() > 0).then_some(())).await;
    }

    /// Leaves a scan to another process that starts while the database is broken, and sees it ended once
    /// that is mended.
    async fn left_is_ended_after(&self, [broken, mended]: [&'static str; 2]) {
        self.agent.answers(Answers::Never);
        let id = self.begin(5).await;
        self.place.run(broken).await;
        let metrics = Metrics::default();
        let (_, _, stop) = started(&self.place.db, PATIENCE, &metrics).await;
        Self::is_late(&metrics).await;
        self.place.run(mended).await;
        let scan = self.ended(id).await;
        assert_eq!((scan.state, scan.detail.as_deref()), (State::Failed, Some(drive::RESTARTED)));
        stop.cancel();
    }

    fn is_under_way(&self, id: ScanId) -> bool {
        self.scans.under_way.lock().contains_key(&id)
    }

    async fn ended(&self, id: ScanId) -> Scan {
        self.once(id, |scan| !scan.state.is_open()).await
    }
}

/// Looks again and again until there is something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        let mut pause = tokio::time::interval(PAUSE);
        loop {
            pause.tick().await;
            if let Some(seen) = look().await {
                return seen;
            }
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("in time: {what}"))
}

fn scanner(db: &Database, agent: Arc<Agent>, metrics: &Metrics) -> (Scanner, Scans) {
    let clock = Clock::system();
    let commands = Commands::new(agent, clock.clone());
    Scanner::new(db.clone(), commands, clock, metrics)
}

async fn started(
    db: &Database,
    patience: Duration,
    metrics: &Metrics,
) -> (Arc<Agent>, Scans, CancellationToken) {
    let agent = Agent::new();
    let (scanner, scans) = scanner(db, agent.clone(), metrics);
    let mut scanner = scanner.patient(patience);
    scanner.end_left().await;
    let stop = CancellationToken::new();
    let run = scanner.run(stop.clone());
    spawn_child(&stop, async move { run.await.unwrap() });
    (agent, scans, stop)
}

#[tokio::test]
async fn a_scan_asks_every_address_once_and_keeps_what_is_found() {
    for world in World::each(PATIENCE).await {
        let id = world.begin(70).await;
        let scan = world.ended(id).await;
        assert_eq!((scan.state, scan.asked, scan.found), (State::Done, 70, 3));
        let detail = scan.detail.clone().unwrap();
        assert!(
            detail.starts_with("70 addresses asked: 3 answered, 3 of them over SNMP."),
            "{detail}"
        );
        assert_eq!(scan.profiles[0].tag.as_deref(), Some("core"));
        let chunks = world.agent.commands().into_iter().map(|kind| match kind {
            command::Kind::ScanHosts(chunk) => chunk.hosts,
            other => panic!("{other:?}"),
        });
        let asked: Vec<String> = chunks.flatten().collect();
        let expected: Vec<_> = world.wish(70).hosts.iter().map(ToString::to_string).collect();
        assert_eq!(asked, expected);
        let hosts = scan_hosts(&world.place.db, &world.context, &scan).await.unwrap();
        let first = &hosts[0];
        assert_eq!((first.address.to_string(), first.echo_us), ("10.0.0.1".into(), Some(1_250)));
        assert_eq!(first.works.as_ref().unwrap().version, "v2c");
        assert_eq!(first.sys_descr.as_deref(), Some("RouterOS CCR2004"));
        world.place.remove().await;
    }
}

#[tokio::test]
async fn an_agent_scans_one_thing_at_a_time_and_a_scan_is_called_off() {
    for world in World::each(PATIENCE).await {
        world.agent.answers(Answers::Never);
        let id = world.begin(5).await;
        let another = world.wish(5);
        let refused = scan_begin(&world.place.db, &another, &[], another.scan.started_at).await;
        assert_eq!(refused.unwrap(), Err(id));
        let how = (State::Cancelled, "Cancelled by ada.");
        let now = Clock::system().now();
        let scan = world.get(id).await;
        let ended = store::scan_end(&world.place.db, &world.context, &scan, how, now).await;
        assert_eq!(ended.unwrap().unwrap().state, State::Cancelled);
        world.scans.cancel(id);
        // Its place is given back, and the agent may be asked for another.
        world.agent.answers(Answers::Well);
        let next = world.begin(5).await;
        assert_eq!(world.ended(next).await.state, State::Done);
        assert_eq!(world.get(id).await.detail.as_deref(), Some("Cancelled by ada."));
        assert!(!world.is_under_way(id));
        world.place.remove().await;
    }
}

#[tokio::test]
async fn why_a_scan_fails_is_told_in_a_sentence() {
    for world in World::each(Duration::ZERO).await {
        for (answers, words) in [
            (Answers::With(Code::Unimplemented), "update the agent"),
            (Answers::With(Code::Internal), "it says: because of something."),
            (Answers::SomethingElse, "it answered something else"),
            (Answers::With(Code::ResourceExhausted), "had no time for 0 minutes"),
        ] {
            world.agent.answers(answers);
            let id = world.begin(5).await;
            let scan = world.ended(id).await;
            let detail = scan.detail.unwrap();
            assert!(scan.state == State::Failed && detail.contains(words), "{detail}");
        }
        world.agent.offline(true);
        let id = world.begin(5).await;
        let scan = world.ended(id).await;
        let detail =
            "The agent was not connected for 0 minutes: look at its page, then scan again.";
        assert_eq!((scan.state, scan.detail.as_deref()), (State::Failed, Some(detail)));
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_scan_waits_for_its_agent_and_goes_on() {
    for world in World::each(PATIENCE).await {
        world.agent.offline(true);
        let id = world.begin(5).await;
        let scan = world.once(id, |scan| scan.state == State::Waiting).await;
        let detail = "The scan waits for its agent, which is not connected.";
        assert_eq!(scan.detail.as_deref(), Some(detail));
        // It is there again, and is busy: that is told instead.
        world.agent.answers(Answers::With(Code::ResourceExhausted));
        world.agent.offline(false);
        let is_busy =
            |scan: &Scan| scan.detail.as_ref().is_some_and(|it| it.contains("for others"));
        assert_eq!(world.once(id, is_busy).await.state, State::Waiting);
        world.agent.answers(Answers::Well);
        let scan = world.ended(id).await;
        assert_eq!((scan.state, scan.asked), (State::Done, 5));
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_scan_that_is_called_off_before_it_begins_asks_nobody() {
    for world in World::each(PATIENCE).await {
        let wish = world.wish(5);
        let id = wish.scan.id;
        let turn = world.scans.turn(TENANT, id).unwrap();
        let written = scan_begin(&world.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        // It is seen from here on.
        world.scans.cancel(id);
        assert!(world.scans.begin(turn, wish));
        until("it is let go", async || (!world.is_under_way(id)).then_some(())).await;
        assert!(world.agent.commands().is_empty());
        // One that is not begun at all gives its place back, too.
        let turn = world.scans.turn(TENANT, id).unwrap();
        assert!(world.is_under_way(id));
        drop(turn);
        assert!(!world.is_under_way(id));
        world.place.remove().await;
    }
}

/// Lets the end of no scan be written, with its row of the audit.
const NO_OUTCOMES: &str = "CREATE TRIGGER no_outcomes BEFORE INSERT ON audit
    WHEN NEW.action LIKE '%_outcome' BEGIN SELECT RAISE(ABORT, 'no room'); END";

#[tokio::test]
async fn the_end_of_a_scan_is_written_once_the_database_takes_it() {
    for world in World::each(PATIENCE).await {
        if matches!(world.place.raw(), Raw::Postgres(_)) {
            world.place.remove().await;
            continue;
        }
        world.place.run(NO_OUTCOMES).await;
        let id = world.begin(5).await;
        World::is_late(&world.metrics).await;
        let open = world.get(id).await;
        assert!(open.state.is_open() && world.is_under_way(id), "{open:?}");
        world.place.run("DROP TRIGGER no_outcomes").await;
        assert_eq!(world.ended(id).await.state, State::Done);
        // The same for one that another process has left.
        world.left_is_ended_after([NO_OUTCOMES, "DROP TRIGGER no_outcomes"]).await;
        world.place.remove().await;
    }
}

#[tokio::test]
async fn what_was_left_is_ended_also_if_it_cannot_be_read_at_the_start() {
    for world in World::each(PATIENCE).await {
        if matches!(world.place.raw(), Raw::Postgres(_)) {
            world.place.remove().await;
            continue;
        }
        let [hide, show] =
            ["ALTER TABLE scan RENAME TO hidden", "ALTER TABLE hidden RENAME TO scan"];
        world.left_is_ended_after([hide, show]).await;
        world.place.remove().await;
    }
}

#[tokio::test]
async fn what_has_begun_since_the_start_was_not_left() {
    for world in World::each(PATIENCE).await {
        let metrics = Metrics::default();
        let (mut scanner, scans) = scanner(&world.place.db, Agent::new(), &metrics);
        let wish = world.wish(5);
        let id = wish.scan.id;
        let turn = scans.turn(TENANT, id).unwrap();
        let written = scan_begin(&world.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        scanner.end_left().await;
        assert_eq!(world.get(id).await.state, State::Running);
        drop(turn);
        scanner.end_left().await;
        assert_eq!(world.get(id).await.state, State::Failed);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn a_scan_that_cannot_be_read_holds_nothing_up() {
    for world in World::each(PATIENCE).await {
        let wish = world.wish(5);
        let id = wish.scan.id;
        let turn = world.scans.turn(TENANT, id).unwrap();
        let written = scan_begin(&world.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        world.place.run("UPDATE scan SET ranges = 'no JSON'").await;
        assert!(world.scans.begin(turn, wish));
        until("its place is given back", async || (!world.is_under_way(id)).then_some(())).await;
        // Nor do others stay open with it at the next start.
        let mut wish = world.wish(5);
        wish.scan.agent.id = NEIGHBOUR;
        let written = scan_begin(&world.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        let metrics = Metrics::default();
        let (mut scanner, _scans) = scanner(&world.place.db, Agent::new(), &metrics);
        scanner.end_left().await;
        assert_eq!(world.get(wish.scan.id).await.state, State::Failed);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn many_watched_addresses_are_written_at_once_and_listed() {
    for world in World::each(PATIENCE).await {
        let wish = world.wish(0);
        let at = |number: u32| Ipv4Addr::from_bits(0xdf00_0000 + number);
        let watched: Vec<_> = (0..ADDRESSES_MAX as u32).rev().map(at).collect();
        let now = wish.scan.started_at;
        scan_begin(&world.place.db, &wish, &watched, now).await.unwrap().unwrap();
        let scan = world.get(wish.scan.id).await;
        assert_eq!(scan.found as usize, watched.len());
        let hosts = scan_hosts(&world.place.db, &world.context, &scan).await.unwrap();
        assert!(hosts.iter().all(|host| host.watched));
        let listed: Vec<_> = hosts.iter().map(|host| host.address).collect();
        let expected: Vec<_> = watched.into_iter().rev().collect();
        assert_eq!(listed, expected);
        world.place.remove().await;
    }
}

#[tokio::test]
async fn scans_under_way_fail_with_their_collector_and_old_ones_go() {
    for world in World::each(PATIENCE).await {
        let mut first = None;
        for _ in 0..SCANS_KEPT + 3 {
            let id = world.begin(0).await;
            first = first.or(Some(id));
            assert_eq!(world.ended(id).await.state, State::Done);
        }
        world.agent.answers(Answers::Never);
        let id = world.begin(5).await;
        let all = scan_list(&world.place.db, &world.context, Some(AGENT), (None, 100)).await;
        let all = all.unwrap();
        assert_eq!((all.len(), all[0].id), (SCANS_KEPT as usize, id));
        assert!(all.iter().all(|scan| Some(scan.id) != first));
        let (_, _, stop) = started(&world.place.db, PATIENCE, &Metrics::default()).await;
        let scan = world.ended(id).await;
        assert_eq!((scan.state, scan.detail.as_deref()), (State::Failed, Some(drive::RESTARTED)));
        stop.cancel();
        world.place.remove().await;
    }
}
