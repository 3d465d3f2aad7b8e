//! `bench-buffer`: polling and keeping what it saw, and how small it gets.
//!
//! CPU per device-poll of poll and buffer together: the reference poll of
//! `farwatch_support::bench::polling`, back to back, into a real buffer file with
//! `synchronous=FULL`. A poll counts once it is committed. Then the packed bytes per sample of the
//! reference load of `farwatch_support::bench::site`.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use farwatch_agent::buffer::{self, BufferConfig};
use farwatch_agent::poll::{PollCounters, outlet};
use farwatch_common::batch::{decode_rows, encode_rows};
use farwatch_common::clock::Clock;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;
use farwatch_support::bench::polling::{
    Fleet, POLLS, ROUNDS, VALUES, is_round, our_round, saturated,
};
use farwatch_support::bench::site::{Shape, Site};
use farwatch_support::bench::{figure, median, own_cpu_s};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Ten times what the agent has: saturated polling outruns a disk's fsync by so much.
const OBSERVATIONS: usize = 10 * buffer::OBSERVATIONS_MAX;
/// Part of the rows that may be dropped while the disk is busy, in thousandths.
const DROPPED_MAX: u64 = 20;
/// remote-write with snappy, for batches of one poll and of ten.
const REMOTE_WRITE: [f64; 2] = [12.9, 5.92];

fn main() -> anyhow::Result<()> {
    if is_round() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(round());
    }
    let fleet = Fleet::start()?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.extend(fleet.limit_round()?);
        ours.extend(our_round(&fleet.targets)?.first());
    }
    let limit = if limits.is_empty() { None } else { Some(median("limit of poll", &mut limits)?) };
    figure("buffer", "cpu_us_per_device_poll", median("ours", &mut ours)?, "us", limit);
    sizes()
}

/// One round in this process: prints CPU per committed device-poll.
async fn round() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (out, observations) = outlet::channel(OBSERVATIONS);
    let counters = Arc::new(PollCounters::default());
    let start = own_cpu_s()?;
    let config = BufferConfig::new(dir.path().to_owned(), AgentId(1), None);
    let (buffer, stopped) = buffer::start(config, observations, Clock::system())?;
    let (state, stop) = (buffer.state(), CancellationToken::new());
    tokio::try_join!(
        saturated(out, Arc::clone(&counters), stop.clone()),
        enough(state, Arc::clone(&counters), stop),
    )?;
    drop(buffer);
    stopped.wait().await?;
    let cpu_s = own_cpu_s()? - start;
    let totals = counters.snapshot();
    let (polls, values) = kept(dir.path())?;
    let (rows, dropped) = (2 * totals.polls, totals.dropped_observations);
    ensure!(dropped * 1000 <= rows * DROPPED_MAX, "{dropped} of {rows} rows dropped: {totals:?}");
    ensure!(values * 1000 >= polls * VALUES * 995, "{values} values of {polls} polls: {totals:?}");
    eprintln!("polls {}, kept {polls}, dropped rows {dropped}", totals.polls);
    println!("{}", cpu_s * 1e6 / polls as f64);
    Ok(())
}

/// Ends polling at the first commit after enough polls.
async fn enough(
    mut state: watch::Receiver<buffer::BufferState>,
    counters: Arc<PollCounters>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while counters.snapshot().polls < POLLS {
        state.changed().await.context("the buffer ended")?;
        let trouble = state.borrow_and_update().trouble.clone();
        ensure!(trouble.is_none(), "{trouble:?}");
    }
    stop.cancel();
    Ok(())
}

/// Device-polls and values in the file.
fn kept(dir: &std::path::Path) -> anyhow::Result<(u64, u64)> {
    let database = rusqlite::Connection::open(dir.join("buffer.db"))?;
    let mut statement =
        database.prepare("SELECT class, data FROM batch WHERE class IN (?1, ?2)")?;
    let mut batches = statement.query([Class::Gauges as u8, Class::Counters as u8])?;
    let (mut polls, mut values) = (0, 0);
    while let Some(batch) = batches.next()? {
        let counters = batch.get::<_, u8>(0)? == Class::Counters as u8;
        for row in decode_rows(&batch.get::<_, Vec<u8>>(1)?)? {
            // The system's row also says that the device answered, which is no value of the job.
            polls += u64::from(counters);
            values += row.values.len() as u64 - u64::from(!counters);
        }
    }
    Ok((polls, values))
}

/// Bytes per sample of packed batches, without the frames of the transport.
fn sizes() -> anyhow::Result<()> {
    let shapes = [(Shape::Seconds, "1.67_polls"), (Shape::TenPolls, "10_polls")];
    for ((shape, name), yardstick) in shapes.into_iter().zip(REMOTE_WRITE) {
        let batches: Vec<_> = Site::new().batches(3600, shape).collect();
        let (mut bytes, mut samples) = (0, 0);
        let start = own_cpu_s()?;
        for (_, rows) in &batches {
            samples += rows.iter().map(|row| row.values.len()).sum::<usize>();
            bytes += encode_rows(rows)?.len();
        }
        let (cpu_s, samples) = (own_cpu_s()? - start, samples as f64);
        let ns = cpu_s * 1e9 / samples;
        figure("buffer", &format!("pack_ns_per_sample_{name}"), ns, "ns", None);
        let each = bytes as f64 / samples;
        figure("buffer", &format!("packed_bytes_per_sample_{name}"), each, "B", Some(yardstick));
    }
    Ok(())
}
