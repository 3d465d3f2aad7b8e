//! Files that are not what was written.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::process::eventually;
use crate::relay::Conditions;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(45);
const FLIPS: usize = 200;
/// Of what is buffered when the file is spoiled.
const ANSWERS: usize = 4;

/// What becomes of the agent's file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flipped,
    CutShort,
    Emptied,
    Zeros,
    WithoutLog,
}

impl Damage {
    const ALL: [Self; 5] =
        [Self::Flipped, Self::CutShort, Self::WithoutLog, Self::Emptied, Self::Zeros];

    fn happens(self, dir: &Path, dice: &mut StdRng) -> std::io::Result<()> {
        let path = dir.join("buffer.db");
        let open = || OpenOptions::new().read(true).write(true).open(&path);
        let length = std::fs::metadata(&path)?.len();
        match self {
            Self::Flipped => flip(&mut open()?, length, dice),
            Self::CutShort => open()?.set_len(dice.random_range(0..length.max(1))),
            Self::Emptied => open()?.set_len(0),
            Self::Zeros => std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]),
            Self::WithoutLog => std::fs::remove_file(dir.join("buffer.db-wal")),
        }
    }
}

fn flip(file: &mut File, length: u64, dice: &mut StdRng) -> std::io::Result<()> {
    for _ in 0..FLIPS {
        let at = dice.random_range(0..length);
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
    for time in 0..ground.times {
        site.relay.set(Conditions { is_black: true, ..Conditions::default() });
        let seen = site.oracle.answers(0).len();
        eventually(LIMIT, "something is buffered", async || {
            site.oracle.answers(0).len() >= seen + ANSWERS
        })
        .await;
        let damage =
            Damage::ALL[(usize::try_from(ground.seed).unwrap() + time) % Damage::ALL.len()];
        let state_dir = site.agent.state_dir.clone();
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
    Ok(figures)
}
