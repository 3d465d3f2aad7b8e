//! Files that are not what was written.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use farwatch_common::clock::Micros;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rusqlite::Connection;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::ledger::TAIL;
use crate::oracle::values;
use crate::process::eventually;
use crate::relay::Conditions;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(45);
const FLIPS: usize = 200;
/// A few, as of a bad memory.
const HANDFUL: usize = 5;
const PAGE: u64 = 4096;
/// Of what waited, in percent: each flip may cost the pages that lie behind it.
const LOST_MAX: f64 = 50.0;
/// Of what is buffered when the file is spoiled.
const ANSWERS: usize = 4;

/// What becomes of the agent's file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flipped,
    Handful,
    CutShort,
    Emptied,
    Zeros,
    WithoutLog,
}

impl Damage {
    const ALL: [Self; 6] = [
        Self::Flipped,
        Self::CutShort,
        Self::Handful,
        Self::WithoutLog,
        Self::Emptied,
        Self::Zeros,
    ];

    fn happens(self, dir: &Path, dice: &mut StdRng) -> std::io::Result<()> {
        let path = dir.join("buffer.db");
        let open = || OpenOptions::new().read(true).write(true).open(&path);
        if matches!(self, Self::Handful) {
            // With its log, which has most of it.
            let file = Connection::open(&path).map_err(std::io::Error::other)?;
            let fold = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            fold.map_err(std::io::Error::other)?;
        }
        let length = std::fs::metadata(&path)?.len();
        match self {
            Self::Flipped => flip(&mut open()?, FLIPS, (0..length, dice)),
            // The first page says what tables there are: without it all is lost, and declared.
            Self::Handful => flip(&mut open()?, HANDFUL, (PAGE.min(length / 2)..length, dice)),
            Self::CutShort => open()?.set_len(dice.random_range(0..length.max(1))),
            Self::Emptied => open()?.set_len(0),
            Self::Zeros => std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]),
            Self::WithoutLog => std::fs::remove_file(dir.join("buffer.db-wal")),
        }
    }
}

fn flip(
    file: &mut File,
    times: usize,
    (places, dice): (Range<u64>, &mut StdRng),
) -> std::io::Result<()> {
    for _ in 0..times {
        let at = dice.random_range(places.clone());
        let mut byte = [0];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut byte)?;
        byte[0] ^= dice.random_range(1..=255_u8);
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&byte)?;
    }
    Ok(())
}

/// Polling again within 10 s, on a fresh file where it has to be; what is lost is declared; no crash loop.
pub async fn agent(ground: &Ground) -> Measured {
    let mut dice = StdRng::seed_from_u64(ground.seed);
    let mut site = Site::start(ground, ROUTERS).await;
    let (mut polling, mut live, mut ended) = (Duration::ZERO, Duration::ZERO, 0);
    let mut waited = Vec::new();
    for time in 0..ground.times {
        site.relay.set(Conditions { is_black: true, ..Conditions::default() });
        let (seen, since) = (site.oracle.answers(0).len(), site.clock.now());
        eventually(LIMIT, "something is buffered", async || {
            site.oracle.answers(0).len() >= seen + ANSWERS
        })
        .await;
        let damage =
            Damage::ALL[(usize::try_from(ground.seed).unwrap() + time) % Damage::ALL.len()];
        let state_dir = site.agent.state_dir.clone();
        if matches!(damage, Damage::Handful) {
            // But what the kill itself may cost.
            waited.push(since..site.clock.now().before(TAIL));
        }
        site.kill_to_spoil().await;
        if let Err(error) = damage.happens(&state_dir, &mut dice) {
            panic!("{damage:?}: {error}");
        }
        // Before it dials: it has not been away for long.
        site.relay.set(Conditions::default());
        polling = polling.max(site.revive().await);
        live = live.max(site.is_live(LIMIT).await);
        ended += u32::from(!site.agent.is_running());
    }
    let mut figures = vec![
        Figure::seconds("start to polling", polling, Duration::from_secs(10)),
        Figure::told("polling to live", live.as_secs_f64(), "s"),
        Figure::at_most("agents that ended", f64::from(ended), "", 0.0),
    ];
    figures.extend(site.figures().await);
    if let Some(saved) = saved(&site, &waited).await {
        let name = "lost of what waited, of a handful of flips";
        figures.push(Figure::at_most(name, 100.0 - saved, "%", LOST_MAX));
    }
    Ok(figures)
}

/// The share of what was answered in these times that is stored, in percent; `None` if nothing was.
async fn saved(site: &Site, times: &[Range<Micros>]) -> Option<f64> {
    let (mut answered, mut stored) = (0, 0);
    for (number, device) in site.devices.iter().enumerate() {
        let known = values(&site.client, device).await;
        for (at, value) in site.oracle.answers(number) {
            if times.iter().any(|time| time.contains(&at)) {
                answered += 1;
                stored += u32::from(known.contains_key(&value));
            }
        }
    }
    (answered > 0).then(|| 100.0 * f64::from(stored) / f64::from(answered))
}
