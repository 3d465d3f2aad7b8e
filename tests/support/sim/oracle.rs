//! The oracle: a counter that rises by one with every answer that carries it, each of which is
//! written to a log before it is sent. What a collector has stored can be held against the log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use farwatch_common::clock::Micros;

/// The log, and the value of its last line.
#[derive(Debug)]
pub struct Oracle {
    log: File,
    value: u64,
}

impl Oracle {
    /// Goes on where the log ends.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let value = match std::fs::read_to_string(path) {
            Ok(text) => text
                .lines()
                .filter_map(|line| line.split_once(' ')?.1.parse().ok())
                .next_back()
                .unwrap_or(0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self { log: OpenOptions::new().create(true).append(true).open(path)?, value })
    }

    /// The value the next answer carries.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.value + 1
    }

    /// Notes that an answer goes out: one line `unix_us value`, in one write.
    pub fn answered(&mut self, now: Micros) -> std::io::Result<()> {
        self.value += 1;
        self.log.write_all(format!("{} {}\n", now.0, self.value).as_bytes())
    }
}
