//! The collector's own counters, shown at `/metrics`. Names: `<stage>_<noun>_total`; no labels of
//! devices or tenants, so the page stays small with any fleet.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// Every counter of the process.
        #[derive(Debug, Default)]
        pub struct Metrics { $($(#[doc = $doc])+ pub $name: Counter,)* }

        impl Metrics {
            /// Prometheus text format, version 0.0.4.
            #[must_use]
            pub fn render(&self) -> String {
                let mut page = String::new();
                $(
                    let help = concat!($($doc),+).trim();
                    // Writing to a String cannot fail.
                    let _ = writeln!(page, "# HELP farwatch_{} {help}", $text);
                    let _ = writeln!(page, "# TYPE farwatch_{} counter", $text);
                    let _ = writeln!(page, "farwatch_{} {}", $text, self.$name.get());
                )*
                page
            }
        }
    };
}

counters! {
    /// Handshakes (QUIC or TLS) that did not complete.
    handshakes_failed = "listen_handshakes_failed_total";
    /// Agents whose key is unknown, expired or revoked.
    agents_refused = "listen_agents_refused_total";
    /// Pipes of a kind agents must not open.
    pipes_refused = "listen_pipes_refused_total";
    /// Agents enrolled.
    enrolments = "identity_enrolments_total";
    /// Enrolments refused.
    enrolments_refused = "identity_enrolments_refused_total";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_prometheus_text() {
        let metrics = Metrics::default();
        metrics.enrolments.add(3);
        let page = metrics.render();
        assert!(page.contains("# TYPE farwatch_identity_enrolments_total counter\n"));
        assert!(page.contains("\nfarwatch_identity_enrolments_total 3\n"));
    }
}
