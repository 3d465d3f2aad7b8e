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
use crate::store::fixture::{AGENT, TENANT};

const SITE: SiteId = SiteId(5);
const LIMIT: Duration = Duration::from_secs(30);

/// A scanner on a database of its own.
struct World {
    place: Place,
    agent: Arc<Agent>,
    scans: Scans,
    context: TenantContext,
    ids: IdGenerator,
    _stop: DropGuard,
}

impl World {
    async fn each(patience: Duration) -> Vec<Self> {
        let mut worlds = Vec::new();
        for place in Place::each().await {
            let context = TenantContext::local(&place.db).await.unwrap();
            let (agent, scans, stop) = started(&place.db, patience).await;
            let ids = IdGenerator::new(1);
            worlds.push(Self { place, agent, scans, context, ids, _stop: stop.drop_guard() });
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
        Wish { scan, context: self.context.clone(), hosts, candidates: vec![candidate] }
    }

    async fn begin(&self, addresses: u32) -> ScanId {
        let wish = self.wish(addresses);
        let id = wish.scan.id;
        let written = scan_begin(&self.place.db, &wish, &[], wish.scan.started_at).await;
        assert_eq!(written.unwrap(), Ok(()));
        assert!(self.scans.begin(self.scans.turn(TENANT).unwrap(), wish));
        id
    }

    async fn get(&self, id: ScanId) -> Scan {
        scan_get(&self.place.db, &self.context, id).await.unwrap()
    }

    /// The scan, once it is so.
    async fn once(&self, id: ScanId, is_so: impl Fn(&Scan) -> bool) -> Scan {
        let wait = async {
            loop {
                let scan = self.get(id).await;
                if is_so(&scan) {
                    return scan;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.expect("the scan does not get there")
    }

    async fn ended(&self, id: ScanId) -> Scan {
        self.once(id, |scan| !scan.state.is_open()).await
    }
}

async fn started(db: &Database, patience: Duration) -> (Arc<Agent>, Scans, CancellationToken) {
    let (agent, clock) = (Agent::new(), Clock::system());
    let commands = Commands::new(agent.clone(), clock.clone());
    let (scanner, scans) = Scanner::new(db.clone(), commands, clock, &Metrics::default());
    scanner.end_left().await;
    let stop = CancellationToken::new();
    let run = scanner.patient(patience).run(stop.clone());
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
        assert!(world.scans.under_way.lock().get(&id).is_none());
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
        world.agent.offline(false);
        let scan = world.ended(id).await;
        assert_eq!((scan.state, scan.asked), (State::Done, 5));
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
        let (_, _, stop) = started(&world.place.db, PATIENCE).await;
        let scan = world.ended(id).await;
        let detail = "The collector was restarted in the middle of it; scan again.";
        assert_eq!((scan.state, scan.detail.as_deref()), (State::Failed, Some(detail)));
        stop.cancel();
        world.place.remove().await;
    }
}
