//! An agent that says what no agent of ours says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_agent::identity;
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit, definition};
use farwatch_common::transport::{Session, quic};
use farwatch_proto::v1::{Batch, RejectCode};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::http::Client;
use crate::ledger::declared;
use crate::oracle::values;
use crate::process::eventually;
use crate::relay::Conditions;
use crate::stack::{Collector, add_device, enroll, only_agent};
use crate::uplink::{Answer, Uplink};

/// Batches of one round; twenty rounds are twice the ten thousand that are promised.
const BATCHES: u64 = 1_000;
const STREAM: i64 = 4_711;
const LIMIT: Duration = Duration::from_secs(45);
/// Of the batches, one in so many is spoiled.
const POISON_EVERY: u64 = 100;
/// A batch beside a spoiled one is stored within this.
const NEXT_WITHIN: Duration = Duration::from_secs(1);

/// An agent that is enrolled and does not run, with one device.
struct Liar {
    collector: Collector,
    client: Client,
    device: String,
    device_id: DeviceId,
    state_dir: std::path::PathBuf,
    from: Micros,
}

impl Liar {
    async fn enrolled(ground: &Ground) -> Self {
        let collector = ground.collector().await;
        let state_dir = ground.dir.path().join("liar");
        std::fs::create_dir_all(&state_dir).unwrap();
        let done = enroll(&state_dir, &collector.token("Depot"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let client = collector.client().await;
        let agent = only_agent(&client).await;
        let device = add_device(&client, &agent, "192.0.2.1", 3600).await;
        let device_id = device.parse().unwrap();
        let from = farwatch_common::clock::Clock::system().now().before(Duration::from_secs(3600));
        Self { collector, client, device, device_id, state_dir, from }
    }

    async fn dial(&self) -> Uplink {
        let credentials = identity::load(&self.state_dir).unwrap().unwrap();
        let session = quic::dial(self.collector.listen, credentials.tls().unwrap()).await.unwrap();
        let session: Arc<dyn Session> = Arc::new(session);
        Uplink::begin(session).await.unwrap()
    }

    /// The batch of this number holds one value: the number.
    fn batch(&self, seq: u64) -> Batch {
        let column = Column {
            object: "if:1".into(),
            metric: "if_in_octets_total".into(),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        };
        let schema = Schema { group: Group::Interfaces, columns: vec![column] };
        let row = Row {
            device: self.device_id,
            group: schema.group,
            schema: schema.id(),
            at: self.from.after(Duration::from_secs(seq)),
            cause: None,
            values: vec![Some(seq.cast_signed())],
        };
        Batch {
            stream_id: STREAM,
            seq,
            class: Class::Counters as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(&[row]).unwrap().into(),
            schemas: vec![definition::write(&schema)],
            ..Batch::default()
        }
    }

    async fn stored(&self) -> BTreeMap<u64, u32> {
        values(&self.client, &self.device).await
    }
}

/// What is stored is what was sent, once, whatever was sent beside it.
pub async fn again(ground: &Ground) -> Measured {
    let mut dice = StdRng::seed_from_u64(ground.seed);
    let liar = Liar::enrolled(ground).await;
    let mut refused = 0_u64;
    // In two sessions: all of the first's batches come again in the second.
    for _ in 0..2 {
        let mut order: Vec<u64> = (1..=BATCHES).flat_map(|seq| [seq, seq]).collect();
        order.shuffle(&mut dice);
        let mut uplink = liar.dial().await;
        let mut open = 0;
        for seq in order {
            let mut batch = liar.batch(seq);
            let is_cut = dice.random_range(0..20) == 0;
            if is_cut {
                // With a number of its own: the same number with other content is a fork.
                batch.seq += 10 * BATCHES;
                let length = dice.random_range(0..batch.data.len());
                batch.data.truncate(length);
            }
            uplink.push(batch).await.unwrap();
            open += 1;
            if is_cut {
                // What the cut one stood for is sent as it is too.
                uplink.push(liar.batch(seq)).await.unwrap();
                open += 1;
            }
            while open >= uplink.window / 2 {
                count(&uplink.answer().await.unwrap(), &mut open, &mut refused);
            }
        }
        // Acks name ranges: what came twice is answered twice or once.
        let last = liar.batch(BATCHES + 1);
        uplink.push(last).await.unwrap();
        while !matches!(uplink.answer().await.unwrap(), Answer::Stored(seqs) if seqs.contains(&(BATCHES + 1)))
        {
        }
    }
    let found = liar.stored().await;
    let twice = found.values().filter(|times| **times > 1).count() as f64;
    let missing = (1..=BATCHES + 1).filter(|seq| !found.contains_key(seq)).count() as f64;
    let others = found.keys().filter(|seq| **seq == 0 || **seq > BATCHES + 1).count() as f64;
    Ok(vec![
        Figure::told("batches sent", (BATCHES * 4) as f64, ""),
        Figure::told("refused as malformed", refused as f64, ""),
        Figure::at_most("missing", missing, "batches", 0.0),
        Figure::at_most("stored twice", twice, "batches", 0.0),
        Figure::at_most("stored, never sent", others, "batches", 0.0),
    ])
}

fn count(answer: &Answer, open: &mut usize, refused: &mut u64) {
    let answered = match answer {
        Answer::Stored(seqs) => seqs.len(),
        Answer::Refused(_, code) => {
            assert_eq!(*code, RejectCode::Malformed);
            *refused += 1;
            1
        }
    };
    *open = open.saturating_sub(answered);
}

/// Others are not affected; what is refused is set aside and declared, exactly.
pub async fn poison(ground: &Ground) -> Measured {
    let liar = Liar::enrolled(ground).await;
    let mut uplink = liar.dial().await;
    let (mut refused, mut slowest) = (0_u64, Duration::ZERO);
    for seq in 1..=BATCHES {
        let mut batch = liar.batch(seq);
        if seq % POISON_EVERY == 0 {
            batch.data = vec![0xff; 300].into();
        }
        let sent = Instant::now();
        uplink.push(batch).await.unwrap();
        match uplink.answer().await.unwrap() {
            Answer::Refused(..) => refused += 1,
            Answer::Stored(_) => slowest = slowest.max(sent.elapsed()),
        }
    }
    let stored = liar.stored().await;
    let wanted = BATCHES - BATCHES / POISON_EVERY;
    let missing = wanted.abs_diff(stored.len() as u64) as f64;
    drop(uplink);
    let mut all = vec![
        Figure::at_most("good ones missing", missing, "batches", 0.0),
        Figure::at_most("refused", refused.abs_diff(BATCHES / POISON_EVERY) as f64, "off", 0.0),
        Figure::seconds("slowest good one", slowest, NEXT_WITHIN),
    ];
    drop(liar);
    all.extend(poisoned_agent(&ground.again().await?).await);
    Ok(all)
}

/// A real agent whose file holds batches that no collector can read.
async fn poisoned_agent(ground: &Ground) -> Vec<Figure> {
    let mut site = Site::start(ground, 4).await;
    site.relay.set(Conditions { is_black: true, ..Conditions::default() });
    let seen = site.oracle.answers(0).len();
    eventually(LIMIT, "something is buffered", async || site.oracle.answers(0).len() > seen + 8)
        .await;
    let state_dir = site.agent.state_dir.clone();
    site.kill().await;
    let spoiled = spoil(&state_dir);
    site.relay.set(Conditions::default());
    site.revive().await;
    site.is_live(LIMIT).await;
    let found = site.balance().await;
    let gaps = declared(&site.client, &site.agent_id).await;
    let rejected = gaps.iter().filter(|gap| gap.reason == "rejected").count();
    let aside: i64 = open(&state_dir)
        .query_row("SELECT COUNT(*) FROM quarantine", [], |row| row.get(0))
        .unwrap();
    let mut all = vec![
        Figure::told("spoiled in the agent's file", spoiled as f64, "batches"),
        Figure::at_most("set aside", aside.abs_diff(spoiled as i64) as f64, "off", 0.0),
        Figure::at_most("gaps that say so", rejected.abs_diff(spoiled) as f64, "off", 0.0),
    ];
    all.extend(site.figures_of(found));
    all
}

fn open(state_dir: &Path) -> Connection {
    let connection = Connection::open(state_dir.join("buffer.db")).unwrap();
    connection.busy_timeout(LIMIT).unwrap();
    connection
}

/// Every third batch of counters cannot be unpacked any more; how many there are. As if it had been written so,
/// before batches had checksums: the agent does not see it.
fn spoil(state_dir: &Path) -> usize {
    open(state_dir)
        .execute(
            "UPDATE batch SET data = zeroblob(40), checksum = NULL WHERE class = 3 AND seq % 3 = 0
             AND seq IN (SELECT seq FROM waiting)",
            [],
        )
        .unwrap()
}
