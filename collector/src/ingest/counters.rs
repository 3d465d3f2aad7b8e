//! What `ingest` did since the start, for `/metrics`.

use farwatch_proto::v1::RejectCode;

use crate::metrics::{Counter, Gauge, Metrics};

/// Counts that only rise.
#[derive(Debug)]
pub struct Counters {
    pub batches_stored: Counter,
    pub batches_repeated: Counter,
    pub samples_stored: Counter,
    /// Rows whose time was shifted, as their agent's clock was wrong by more than a minute.
    pub rows_corrected: Counter,
    /// Rows whose time lay in the future, or before 1970.
    pub rows_clamped: Counter,
    /// Rows and facts of devices that are not (any more) their agent's, dropped.
    pub rows_unknown_device: Counter,
    /// Rows of new tables of devices, while their tenant's quota of series is used up.
    pub rows_over_quota: Counter,
    pub commits: Counter,
    pub commits_failed: Counter,
    pub sessions_opened: Counter,
    pub sessions_fenced: Counter,
    /// Hellos that showed that two hosts run as one agent.
    pub clones_seen: Counter,
    /// Messages that told an agent what it may send.
    pub credits_sent: Counter,
    /// What agents may send: see [`super::admission::Admission`].
    pub admission: Gauge,
    rejected: [Counter; REJECT_CODES],
}

const REJECT_CODES: usize = 6;

impl Counters {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        let rejected = |code: RejectCode| {
            let help = "Batches that were refused.";
            metrics.counter("ingest_batches_rejected_total", help, &[("reason", code.name())])
        };
        Self {
            batches_stored: counter("ingest_batches_stored_total", "Batches committed."),
            batches_repeated: counter(
                "ingest_batches_repeated_total",
                "Batches that were stored already.",
            ),
            samples_stored: counter("ingest_samples_stored_total", "Samples committed."),
            rows_corrected: counter(
                "ingest_rows_corrected_total",
                "Rows of agents whose clock is wrong by more than a minute, put right.",
            ),
            rows_clamped: counter(
                "ingest_rows_clamped_total",
                "Rows whose time lay in the future, or before 1970.",
            ),
            rows_unknown_device: counter(
                "ingest_rows_unknown_device_total",
                "Rows and facts of devices that were removed or moved to another agent, dropped.",
            ),
            rows_over_quota: counter(
                "ingest_rows_over_quota_total",
                "Rows dropped, because their tenant's quota of series is used up.",
            ),
            commits: counter("ingest_commits_total", "Group commits."),
            commits_failed: counter("ingest_commits_failed_total", "Group commits that failed."),
            sessions_opened: counter("ingest_sessions_opened_total", "Sessions opened."),
            sessions_fenced: counter(
                "ingest_sessions_fenced_total",
                "Sessions ended by a newer one or by a revocation.",
            ),
            clones_seen: counter(
                "ingest_clones_seen_total",
                "Sessions that showed that two hosts run as one agent.",
            ),
            credits_sent: counter(
                "ingest_credits_sent_total",
                "Messages that told an agent how much it may send.",
            ),
            admission: metrics.gauge(
                "ingest_admission_level",
                "What agents may send: 0 all, 1 what is live, 2 nothing.",
                &[],
            ),
            rejected: [
                rejected(RejectCode::Unspecified),
                rejected(RejectCode::Malformed),
                rejected(RejectCode::Fork),
                rejected(RejectCode::UnknownSchema),
                rejected(RejectCode::NotYours),
                rejected(RejectCode::NotNow),
            ],
        }
    }

    pub fn rejected(&self, code: RejectCode) {
        if let Some(count) = usize::try_from(code as i32).ok().and_then(|at| self.rejected.get(at))
        {
            count.add(1);
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new(&Metrics::default())
    }
}
