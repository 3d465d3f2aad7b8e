//! The collector: a session's core for each stream, the queue in front of the writer, and the judge over
//! what is stored. What is stored outlives a crash; nothing else does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use farwatch_collector::ingest::admission::{Admission, Fill};
use farwatch_collector::ingest::session::{Lane, Session, Share, WINDOW};
use farwatch_collector::store::samples::{Verdict, judge};
use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_proto::v1::{Ack, Batch, Reject, RejectCode, StreamStored, telemetry_down};

use super::agent::Content;
use super::random::Random;

/// Small, so that it is full often.
const LANE_MAX: usize = 10;
const GROUP_MAX: usize = 6;

type Down = telemetry_down::Kind;

/// A session and what goes through it. Its pipe may live on when the agent has another session.
pub(crate) struct Stream {
    core: Session,
    /// Checked, and waiting for a place at the committer.
    starting: Vec<(Lane, Job)>,
    pub(crate) up: VecDeque<Batch>,
    pub(crate) down: VecDeque<Down>,
}

#[derive(Clone, Copy)]
struct Job {
    session: u64,
    stream: i64,
    seq: u64,
    content: Content,
}

/// What is durable.
#[derive(Clone, Default)]
struct Disk {
    stored: BTreeMap<(i64, u64), Content>,
    /// How often each content is there.
    times: BTreeMap<Content, usize>,
    ranges: BTreeMap<i64, SeqRanges>,
    knows_schemas: bool,
}

#[derive(Default)]
pub(crate) struct Collector {
    disk: Disk,
    /// What was copied of the disk, to be put back.
    copy: Option<Disk>,
    /// Contents it refuses.
    pub(crate) poison: BTreeSet<Content>,
    /// Every fifth content has no room.
    pub(crate) is_full: bool,
    pub(crate) streams: BTreeMap<u64, Stream>,
    live: VecDeque<Job>,
    backlog: VecDeque<Job>,
    admission: Admission,
}

fn content(batch: &Batch) -> Content {
    Content::from_be_bytes(batch.data[..].try_into().unwrap())
}

fn reject(stream_id: i64, seq: u64, code: RejectCode) -> Down {
    Down::Reject(Reject { stream_id, seq, code: code.into(), detail: String::new() })
}

impl Collector {
    /// How often `content` is stored.
    pub(crate) fn times(&self, content: Content) -> usize {
        self.disk.times.get(&content).copied().unwrap_or(0)
    }

    /// A session opens. Those that were open for the agent are fenced by [`Self::fence`], which may
    /// take a moment.
    pub(crate) fn open(&mut self, session: u64) {
        let stream = Stream {
            core: Session::default(),
            starting: Vec::new(),
            up: VecDeque::new(),
            down: VecDeque::new(),
        };
        self.streams.insert(session, stream);
    }

    /// The process dies: what was not stored is gone.
    pub(crate) fn crash(&mut self) {
        self.streams.clear();
        self.live.clear();
        self.backlog.clear();
        self.admission = Admission::default();
    }

    pub(crate) fn back_up(&mut self) {
        self.copy = Some(self.disk.clone());
    }

    /// The process ends, and begins anew over the disk as it was copied. Says whether there was a copy.
    pub(crate) fn restore(&mut self) -> bool {
        let Some(copy) = self.copy.clone() else { return false };
        self.crash();
        self.disk = copy;
        true
    }

    /// As nobody has sent it a schema.
    pub(crate) fn forget_schemas(&mut self) {
        self.disk.knows_schemas = false;
    }

    /// Whether another content is stored under the number.
    pub(crate) fn has_other(&self, place: (i64, u64), content: Content) -> bool {
        self.disk.stored.get(&place).is_some_and(|stored| *stored != content)
    }

    /// What it has of `streams`.
    pub(crate) fn durable(&self, streams: &[i64]) -> Vec<StreamStored> {
        let told = |stream: &i64| StreamStored {
            stream_id: *stream,
            ranges: self.disk.ranges.get(stream).map(SeqRanges::to_proto).unwrap_or_default(),
        };
        streams.iter().map(told).collect()
    }

    /// Ends the session: what waits at the committer is stored all the same.
    pub(crate) fn fence(&mut self, session: u64) {
        self.streams.remove(&session);
    }

    /// One turn of a session: reads, starts, submits, grants.
    pub(crate) fn turn(&mut self, session: u64, random: &mut Random) {
        let Some(mut stream) = self.streams.remove(&session) else { return };
        if stream.core.reads()
            && let Some(batch) = stream.up.pop_front()
        {
            stream.core.took(batch);
        }
        for lane in [Lane::Live, Lane::Backlog] {
            if let Some(batch) = stream.core.start(lane) {
                match self.check(&batch) {
                    Ok(()) => stream.starting.push((lane, Job::new(session, &batch))),
                    Err(code) => {
                        stream.core.started(lane, false);
                        stream.down.push_back(reject(batch.stream_id, batch.seq, code));
                    }
                }
            }
        }
        let submitted = |(lane, job): &(Lane, Job)| {
            // Every seventh is older than its agent says.
            let late = *lane == Lane::Backlog;
            let newest = Micros(if job.content.is_multiple_of(7) { -1_000_000_000 } else { 0 });
            let queue = match Lane::of(late, newest, Micros(0)) {
                Lane::Live => &mut self.live,
                Lane::Backlog => &mut self.backlog,
            };
            let has_room = queue.len() < LANE_MAX;
            if has_room {
                queue.push_back(*job);
                stream.core.started(*lane, true);
            }
            !has_room
        };
        let mut starting = std::mem::take(&mut stream.starting);
        starting.retain(submitted);
        stream.starting = starting;
        self.note_fill();
        if let Some(credit) = stream.core.credit(self.admission, Share::default(), random.share()) {
            stream.down.push_back(Down::Credit(credit));
        }
        self.streams.insert(session, stream);
    }

    fn check(&mut self, batch: &Batch) -> Result<(), RejectCode> {
        let content = content(batch);
        if self.poison.contains(&content) {
            return Err(RejectCode::Malformed);
        }
        // The schemas of what is stored have their room.
        if self.is_full && content.is_multiple_of(5) && self.times(content) == 0 {
            return Err(RejectCode::NotNow);
        }
        self.disk.knows_schemas |= !batch.schemas.is_empty();
        if self.disk.knows_schemas { Ok(()) } else { Err(RejectCode::UnknownSchema) }
    }

    fn note_fill(&mut self) {
        let percent = |queue: &VecDeque<Job>| queue.len() * 100 / LANE_MAX;
        let fill = Fill { live: percent(&self.live), backlog: percent(&self.backlog) };
        self.admission = self.admission.at(fill);
    }

    /// One transaction, and its answers.
    pub(crate) fn commit(&mut self) {
        let mut answers: BTreeMap<u64, Vec<(Job, bool)>> = BTreeMap::new();
        for _ in 0..GROUP_MAX {
            let Some(job) = self.live.pop_front().or_else(|| self.backlog.pop_front()) else {
                break;
            };
            let is_durable = self.append(job);
            answers.entry(job.session).or_default().push((job, is_durable));
        }
        self.note_fill();
        for (session, answers) in answers {
            // A session that has ended learns nothing.
            let Some(stream) = self.streams.get_mut(&session) else { continue };
            assert!(answers.len() <= WINDOW && stream.core.awaits_answers());
            stream.core.answered(answers.len());
            let mut acks: BTreeMap<i64, SeqRanges> = BTreeMap::new();
            for (job, is_durable) in answers {
                if is_durable {
                    acks.entry(job.stream).or_default().insert(job.seq);
                } else {
                    stream.down.push_back(reject(job.stream, job.seq, RejectCode::Fork));
                }
            }
            let ack = |(stream_id, durable): (i64, SeqRanges)| {
                Down::Ack(Ack { stream_id, durable: durable.to_proto() })
            };
            stream.down.extend(acks.into_iter().map(ack));
        }
    }

    fn append(&mut self, job: Job) -> bool {
        let ranges = self.disk.ranges.entry(job.stream).or_default();
        match judge(ranges, job.seq) {
            Verdict::Known => self.disk.stored.get(&(job.stream, job.seq)) == Some(&job.content),
            Verdict::New => {
                let before = self.disk.stored.insert((job.stream, job.seq), job.content);
                assert_eq!(before, None, "what is stored is replaced");
                *self.disk.times.entry(job.content).or_default() += 1;
                true
            }
            Verdict::TooManyHoles => false,
        }
    }
}

impl Job {
    fn new(session: u64, batch: &Batch) -> Self {
        Self { session, stream: batch.stream_id, seq: batch.seq, content: content(batch) }
    }
}
