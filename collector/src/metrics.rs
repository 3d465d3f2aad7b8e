//! The collector's own numbers, in the Prometheus text format.
//!
//! A series is made once, by the part that counts, and is an atomic from then on. Labels never name
//! tenants, agents or devices: their numbers are samples, not self metrics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Series there can be; more means a label with too many values, and the rest is not shown.
const SERIES_MAX: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

#[derive(Debug)]
struct Family {
    kind: Kind,
    help: &'static str,
    /// By label text, for example `status="2xx"`.
    series: BTreeMap<String, Arc<AtomicU64>>,
}

/// All series of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<&'static str, Family>>>);

/// Rises only.
#[derive(Clone, Debug)]
pub struct Counter(Arc<AtomicU64>);

/// Goes up and down.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<AtomicU64>);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, to: u64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub fn sub(&self, by: u64) {
        self.0.fetch_sub(by, Ordering::Relaxed);
    }
}

impl Metrics {
    /// The counter of this name and labels; the same one each time. Names end in `_total`.
    #[must_use]
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Counter {
        Counter(self.series(Kind::Counter, name, help, labels))
    }

    #[must_use]
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Gauge {
        Gauge(self.series(Kind::Gauge, name, help, labels))
    }

    fn series(
        &self,
        kind: Kind,
        name: &'static str,
        help: &'static str,
        labels: &[(&'static str, &str)],
    ) -> Arc<AtomicU64> {
        let text = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect::<Vec<_>>()
            .join(",");
        let mut families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known: usize = families.values().map(|family| family.series.len()).sum();
        let family =
            families.entry(name).or_insert_with(|| Family { kind, help, series: BTreeMap::new() });
        debug_assert_eq!(family.kind, kind, "{name} is counter and gauge");
        if known >= SERIES_MAX && !family.series.contains_key(&text) {
            return Arc::default();
        }
        Arc::clone(family.series.entry(text).or_default())
    }

    /// What a scrape gets.
    #[must_use]
    pub fn render(&self) -> String {
        let families = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (name, family) in &*families {
            let kind = if family.kind == Kind::Counter { "counter" } else { "gauge" };
            let _ = writeln!(text, "# HELP farwatch_{name} {}", family.help);
            let _ = writeln!(text, "# TYPE farwatch_{name} {kind}");
            for (labels, value) in &family.series {
                let value = value.load(Ordering::Relaxed);
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
                let _ = writeln!(text, "farwatch_{name}{labels} {value}");
            }
        }
        text
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_labels_are_one_series() {
        let metrics = Metrics::default();
        let count = |status| metrics.counter("api_requests_total", "Requests", &[("s", status)]);
        count("2xx").add(2);
        count("2xx").add(1);
        count("a\"b").add(1);
        metrics.gauge("api_streams", "Streams", &[]).set(4);
        let expected = "# HELP farwatch_api_requests_total Requests\n\
                        # TYPE farwatch_api_requests_total counter\n\
                        farwatch_api_requests_total{s=\"2xx\"} 3\n\
                        farwatch_api_requests_total{s=\"a\\\"b\"} 1\n\
                        # HELP farwatch_api_streams Streams\n\
                        # TYPE farwatch_api_streams gauge\n\
                        farwatch_api_streams 4\n";
        assert_eq!(metrics.render(), expected);
    }

    #[test]
    fn labels_with_too_many_values_do_not_grow() {
        let metrics = Metrics::default();
        for value in 0..SERIES_MAX * 2 {
            metrics.counter("x_total", "X", &[("v", &value.to_string())]).add(1);
        }
        assert_eq!(metrics.render().lines().count(), SERIES_MAX + 2);
    }
}
