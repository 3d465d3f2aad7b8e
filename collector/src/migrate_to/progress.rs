//! How far it is, on standard error: a bar that is drawn over where somebody looks on, a line for
//! each table elsewhere.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use tokio::time::Instant;

/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);
const BAR_CELLS: usize = 20;
/// Back to the start of the line, and nothing left on it.
const CLEAR: &str = "\r\x1b[2K";

pub struct Progress {
    out: Box<dyn Write + Send>,
    is_terminal: bool,
    verb: &'static str,
    table: String,
    total: u64,
    rows: u64,
    began: Instant,
    drawn: Instant,
}

impl Progress {
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Box::new(std::io::stderr()), std::io::stderr().is_terminal())
    }

    pub(super) fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        let (now, table) = (Instant::now(), String::new());
        Self { out, is_terminal, verb: "", table, total: 0, rows: 0, began: now, drawn: now }
    }

    pub(super) fn begin(&mut self, verb: &'static str, table: &str, total: i64) {
        (self.verb, self.table) = (verb, table.to_owned());
        (self.total, self.rows) = (u64::try_from(total).unwrap_or(0), 0);
        (self.began, self.drawn) = (Instant::now(), Instant::now());
    }

    pub(super) fn add(&mut self, rows: usize) {
        self.rows += rows as u64;
        if self.is_terminal && self.drawn.elapsed() >= DRAW_EVERY {
            self.drawn = Instant::now();
            let bar = bar(self.verb, &self.table, self.rows, self.total, self.began.elapsed());
            self.write(&format!("{CLEAR}{bar}"));
        }
    }

    /// The table is done.
    pub(super) fn end(&mut self, verb: &str, more: &str) {
        let clear = if self.is_terminal { CLEAR } else { "" };
        let line = format!("{clear}{verb} {}: {} rows{more}\n", self.table, self.rows);
        self.write(&line);
    }

    pub(super) fn say(&mut self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Nobody may be listening, which stops nothing.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// `copying ts_batch [########            ]  40 % of 12000 rows, 3000/s, 2 s left`
fn bar(verb: &str, table: &str, rows: u64, total: u64, spent: Duration) -> String {
    let part = if total == 0 { 1.0 } else { (rows as f64 / total as f64).min(1.0) };
    let full = (part * BAR_CELLS as f64) as usize;
    let cells = format!("{}{}", "#".repeat(full), " ".repeat(BAR_CELLS - full));
    let rate = rows as f64 / spent.as_secs_f64().max(0.001);
    let left = total.saturating_sub(rows) as f64 / rate.max(0.001);
    let percent = part * 100.0;
    format!(
        "{verb} {table} [{cells}] {percent:3.0} % of {total} rows, {rate:.0}/s, {} left",
        span(left)
    )
}

fn span(seconds: f64) -> String {
    let seconds = seconds as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_rate_and_rest() {
        let half = bar("copying", "ts_batch", 6_000, 12_000, Duration::from_secs(2));
        assert_eq!(
            half,
            "copying ts_batch [##########          ]  50 % of 12000 rows, 3000/s, 2 s left"
        );
        let end = bar("copying", "site", 9, 0, Duration::ZERO);
        assert!(end.contains("[####################] 100 %"), "{end}");
        let long = bar("copying", "ts_batch", 1, 7_300, Duration::from_secs(1));
        assert!(long.ends_with("2 h 1 min left"), "{long}");
    }
}
