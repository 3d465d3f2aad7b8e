use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::task::spawn_child;
use farwatch_proto::v1::uplink_server::{Uplink, UplinkServer};
use farwatch_proto::v1::{
    MeasurePart, Measured, RenewReply, RenewRequest, SessionHello, SnapshotKept, TelemetryDown,
    TelemetryUp, Welcome,
};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Streaming};

use super::*;
use crate::history::outcome::Outcome;
use crate::seal::Owner;

const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };
const KEY: &str = "32 bytes that open a sealed text";

/// What the collector has, and what it says next in place of taking a part.
#[derive(Default)]
struct Kept {
    parts: Vec<SnapshotPart>,
    texts: BTreeMap<i64, Vec<u8>>,
    refusals: VecDeque<Code>,
    /// Does not answer the part after so many.
    silent_after: Option<usize>,
}

#[derive(Clone, Default)]
struct Collector {
    kept: Arc<Mutex<Kept>>,
    pipes: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Uplink for Collector {
    type TelemetryStream = ReceiverStream<Result<TelemetryDown, Status>>;

    async fn open_session(&self, _: Request<SessionHello>) -> Reply<Welcome> {
        Err(Status::unimplemented(""))
    }

    async fn telemetry(&self, _: Request<Streaming<TelemetryUp>>) -> Reply<Self::TelemetryStream> {
        Err(Status::unimplemented(""))
    }

    async fn renew(&self, _: Request<RenewRequest>) -> Reply<RenewReply> {
        Err(Status::unimplemented(""))
    }

    async fn measure(&self, _: Request<Streaming<MeasurePart>>) -> Reply<Measured> {
        Err(Status::unimplemented(""))
    }

    async fn snapshot(&self, part: Request<SnapshotPart>) -> Reply<SnapshotKept> {
        let part = part.into_inner();
        let answer = self.keep(part);
        self.changed.notify_one();
        match answer {
            Some(answer) => answer.map(|next| Response::new(SnapshotKept { next })),
            None => std::future::pending().await,
        }
    }
}

impl Collector {
    fn keep(&self, part: SnapshotPart) -> Option<Result<u64, Status>> {
        let mut kept = self.kept.lock().unwrap();
        if kept.silent_after == Some(kept.parts.len()) {
            return None;
        }
        kept.parts.push(part.clone());
        if let Some(code) = kept.refusals.pop_front() {
            return Some(Err(Status::new(code, "as the test wants")));
        }
        let text = kept.texts.entry(part.job_id).or_default();
        if part.offset == text.len() as u64 {
            text.extend_from_slice(&part.data);
        }
        Some(Ok(text.len() as u64))
    }

    /// Sends what is in `outbox` for as long as this is awaited.
    async fn session(&self, outbox: &Arc<Outbox>) {
        let stop = CancellationToken::new();
        let _stops = stop.clone().drop_guard();
        let (pipes, incoming) = mpsc::channel::<io::Result<DuplexStream>>(4);
        let service = UplinkServer::new(self.clone());
        spawn_child(&stop, async move {
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(ReceiverStream::new(incoming)).await.unwrap();
        });
        let opened = Arc::clone(&self.pipes);
        let open = move || {
            let (pipes, opened) = (pipes.clone(), Arc::clone(&opened));
            let connector = tower::service_fn(move |_| {
                let (near, far) = tokio::io::duplex(1 << 20);
                let pipes = pipes.clone();
                opened.fetch_add(1, Ordering::Relaxed);
                async move {
                    pipes.send(Ok(far)).await.map_err(io::Error::other)?;
                    Ok::<_, io::Error>(TokioIo::new(near))
                }
            });
            Endpoint::from_static("http://farwatch").connect_with_connector_lazy(connector)
        };
        Line { open, rtt: || Duration::ZERO, clock: Clock::system() }.send(outbox).await;
    }

    /// A session that lasts until `done`.
    async fn session_until(&self, outbox: &Arc<Outbox>, done: impl Fn(&Kept) -> bool) {
        let is_done = async {
            while !done(&self.kept.lock().unwrap()) {
                self.changed.notified().await;
            }
        };
        tokio::select! {
            () = self.session(outbox) => panic!("the session ended by itself"),
            () = is_done => {}
        }
    }

    /// A session that lasts until nothing waits.
    async fn session_to_the_end(&self, outbox: &Arc<Outbox>) {
        let mut held = outbox.held();
        tokio::select! {
            () = self.session(outbox) => panic!("the session ended by itself"),
            empty = held.wait_for(|held| held.count() == 0) => drop(empty.unwrap()),
        }
    }
}

fn outbox(outcomes: &[(i64, &[u8])]) -> (tempfile::TempDir, Arc<Outbox>) {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path(), OWNER).unwrap();
    for (job, whole) in outcomes {
        let (job, whole) = (ConfigJobId(*job), whole.to_vec());
        outbox.keep(&Outcome { job, whole, key: Some(Secret::from(KEY)) }).unwrap();
    }
    (dir, Arc::new(outbox))
}

fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 % 251) as u8).collect()
}

#[tokio::test]
async fn outcomes_go_in_parts_oldest_first_over_a_pipe_that_opens_when_there_is_one() {
    let large = noise(300_000);
    let (_dir, outbox) = outbox(&[]);
    let collector = Collector::default();
    let mut held = outbox.held();
    let first = async {
        tokio::task::yield_now().await;
        assert_eq!(collector.pipes.load(Ordering::Relaxed), 0, "there is nothing to send");
        for (job, whole) in [(2, &large[..]), (1, b"failed")] {
            let (job, whole) = (ConfigJobId(job), whole.to_vec());
            outbox.keep(&Outcome { job, whole, key: Some(Secret::from(KEY)) }).unwrap();
        }
        drop(held.wait_for(|held| held.count() == 0).await.unwrap());
    };
    tokio::select! {
        () = collector.session(&outbox) => panic!("the session ended by itself"),
        () = first => {}
    }
    let kept = collector.kept.lock().unwrap();
    assert_eq!(collector.pipes.load(Ordering::Relaxed), 1);
    assert_eq!(kept.texts[&1], b"failed");
    assert_eq!(kept.texts[&2], large);
    let jobs: Vec<i64> = kept.parts.iter().map(|part| part.job_id).collect();
    assert!(jobs.is_sorted(), "{jobs:?}");
    let asked = kept.parts.iter().filter(|part| part.data.is_empty()).count();
    assert_eq!(asked, 2, "where it is, of each outcome once");
    for part in &kept.parts {
        assert!(part.data.len() <= upload::PART_BYTES_MAX && part.key == KEY.as_bytes());
    }
    let last = kept.parts.last().unwrap();
    assert_eq!((last.bytes, &last.hash[..]), (300_000, &blake3::hash(&large).as_bytes()[..]));
    assert_eq!(outbox.gone(), (2, 0));
}

#[tokio::test]
async fn the_next_session_goes_on_where_the_last_one_broke() {
    let large = noise(300_000);
    let (dir, first) = outbox(&[(1, &large)]);
    let collector = Collector::default();
    collector.session_until(&first, |kept| kept.parts.len() == 3).await;
    let before = collector.kept.lock().unwrap().texts[&1].len();
    assert!(before > 0 && before < large.len());
    drop(first);
    // The agent was killed meanwhile.
    let again = Arc::new(Outbox::open(dir.path(), OWNER).unwrap());
    collector.session_to_the_end(&again).await;
    let kept = collector.kept.lock().unwrap();
    assert_eq!(kept.texts[&1], large);
    let bytes: usize = kept.parts.iter().map(|part| part.data.len()).sum();
    // One part may have been on the way when the session broke.
    assert!(bytes <= large.len() + upload::PART_BYTES_MAX, "{bytes} bytes were sent");
}

#[tokio::test]
async fn what_the_collector_has_no_use_for_is_forgotten_and_counted() {
    for code in [Code::NotFound, Code::InvalidArgument] {
        let (_dir, outbox) = outbox(&[(1, b"one"), (2, b"two")]);
        let collector = Collector::default();
        collector.kept.lock().unwrap().refusals.push_back(code);
        collector.session_to_the_end(&outbox).await;
        let kept = collector.kept.lock().unwrap();
        assert_eq!(kept.texts.keys().collect::<Vec<_>>(), [&2], "{code:?}");
        assert_eq!(outbox.gone(), (1, 1), "{code:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_now_is_offered_again_and_holds_up_no_other() {
    let (_dir, outbox) = outbox(&[(1, b"one"), (2, b"two")]);
    let collector = Collector::default();
    collector.kept.lock().unwrap().refusals =
        [Code::ResourceExhausted, Code::Internal].into_iter().collect();
    collector.session_to_the_end(&outbox).await;
    let kept = collector.kept.lock().unwrap();
    let jobs: Vec<i64> = kept.parts.iter().map(|part| part.job_id).collect();
    assert_eq!(jobs, [1, 2, 1, 1, 2, 2]);
    assert_eq!(outbox.gone(), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_falls_silent_is_asked_again() {
    let (_dir, outbox) = outbox(&[(1, b"one")]);
    let collector = Collector::default();
    collector.kept.lock().unwrap().silent_after = Some(1);
    let mut held = outbox.held();
    let speaks_again = async {
        tokio::time::sleep(ANSWER_TIME_MAX / 2).await;
        assert_eq!(collector.kept.lock().unwrap().parts.len(), 1);
        collector.kept.lock().unwrap().silent_after = None;
        drop(held.wait_for(|held| held.count() == 0).await.unwrap());
    };
    tokio::select! {
        () = collector.session(&outbox) => panic!("the session ended by itself"),
        () = speaks_again => {}
    }
    assert_eq!(collector.kept.lock().unwrap().texts[&1], b"one");
}

#[tokio::test]
async fn a_collector_that_knows_no_outcomes_is_sent_none_and_they_stay() {
    let (_dir, outbox) = outbox(&[(1, b"one")]);
    let collector = Collector::default();
    collector.kept.lock().unwrap().refusals.push_back(Code::Unimplemented);
    collector.session(&outbox).await;
    assert_eq!((outbox.held().borrow().count(), outbox.gone()), (1, (0, 0)));
}
