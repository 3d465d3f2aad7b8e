//! What `ingest` did since the start, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use farwatch_proto::v1::RejectCode;

/// Counts that only rise.
#[derive(Debug, Default)]
pub struct Counters {
    pub batches_stored: Count,
    pub batches_repeated: Count,
    pub samples_stored: Count,
    /// Rows whose time lay in the future.
    pub rows_clamped: Count,
    /// Rows and facts of devices that do not exist (any more), dropped.
    pub rows_unknown_device: Count,
    pub commits: Count,
    pub commits_failed: Count,
    pub sessions_opened: Count,
    pub sessions_fenced: Count,
    rejected: [Count; REJECT_CODES],
}

const REJECT_CODES: usize = 5;

/// One count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub fn rejected(&self, code: RejectCode) {
        if let Some(count) = usize::try_from(code as i32).ok().and_then(|at| self.rejected.get(at))
        {
            count.add(1);
        }
    }

    /// Name, label of the reason if there is one, and value of every count.
    #[must_use]
    pub fn figures(&self) -> Vec<(&'static str, Option<&'static str>, u64)> {
        let rejected = |code: RejectCode| {
            let count = usize::try_from(code as i32).ok().and_then(|at| self.rejected.get(at));
            let reason = match code {
                RejectCode::Unspecified => "unspecified",
                RejectCode::Malformed => "malformed",
                RejectCode::Fork => "fork",
                RejectCode::UnknownSchema => "unknown_schema",
                RejectCode::NotYours => "not_yours",
            };
            ("ingest_batches_rejected_total", Some(reason), count.map_or(0, Count::get))
        };
        vec![
            ("ingest_batches_stored_total", None, self.batches_stored.get()),
            ("ingest_batches_repeated_total", None, self.batches_repeated.get()),
            rejected(RejectCode::Malformed),
            rejected(RejectCode::Fork),
            rejected(RejectCode::UnknownSchema),
            rejected(RejectCode::NotYours),
            ("ingest_samples_stored_total", None, self.samples_stored.get()),
            ("ingest_rows_clamped_total", None, self.rows_clamped.get()),
            ("ingest_rows_unknown_device_total", None, self.rows_unknown_device.get()),
            ("ingest_commits_total", None, self.commits.get()),
            ("ingest_commits_failed_total", None, self.commits_failed.get()),
            ("ingest_sessions_opened_total", None, self.sessions_opened.get()),
            ("ingest_sessions_fenced_total", None, self.sessions_fenced.get()),
        ]
    }
}
