//! What goes to standard error: JSON for machines, readable lines on a terminal.

use std::fmt;
use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::util::SubscriberInitExt as _;

/// The variable that overrides the filter of the configuration.
pub const FILTER_VARIABLE: &str = "FARWATCH_LOG";
pub const DEFAULT_FILTER: &str = "info";

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("`{filter}` is not a log filter; try `info` or `info,farwatch_collector=debug`")]
    Filter { filter: String, source: tracing_subscriber::filter::ParseError },
    #[error("logging was started twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging for the process, once. `filter` is the content of [`FILTER_VARIABLE`] or of the
/// configuration.
pub fn init(filter: &str) -> Result<(), LoggingError> {
    let for_people = io::stderr().is_terminal();
    subscriber(parse(filter)?, for_people, io::stderr).try_init().map_err(LoggingError::Twice)
}

fn subscriber<W>(filter: EnvFilter, for_people: bool, to: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // A log that cannot be written, as on a full disk, must not end the process: the library would tell so by
    // a print that panics.
    let all = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(to)
        .log_internal_errors(false);
    if for_people {
        Box::new(all.compact().with_target(false).with_timer(Seconds).finish())
    } else {
        Box::new(all.json().flatten_event(true).finish())
    }
}

/// `2026-11-22 21:51:46Z`
struct Seconds;

impl FormatTime for Seconds {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        let mut whole = String::new();
        SystemTime.format_time(&mut Writer::new(&mut whole))?;
        let seconds = whole.split('.').next().unwrap_or_default();
        write!(to, "{}Z", seconds.replace('T', " "))
    }
}

/// Checks a filter without starting anything.
pub fn parse(filter: &str) -> Result<EnvFilter, LoggingError> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(for_people: bool) -> String {
        let page = Page::default();
        let to = page.clone();
        let subscriber = subscriber(parse(DEFAULT_FILTER).unwrap(), for_people, move || to.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(devices = 3, "assignment applied");
            tracing::debug!("too much");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn people_are_told_lines_and_machines_json() {
        let line = logged(true);
        for word in ["INFO", "assignment applied", "devices", "Z"] {
            assert!(line.contains(word), "{line}");
        }
        assert!(!line.contains('{') && !line.contains("farwatch") && !line.contains('.'), "{line}");
        let json = logged(false);
        assert!(json.starts_with("{\"timestamp\":\""), "{json}");
        for part in ["\"level\":\"INFO\"", "\"message\":\"assignment applied\"", "\"devices\":3"] {
            assert!(json.contains(part), "{json}");
        }
        assert_eq!((line.lines().count(), json.lines().count()), (1, 1));
    }

    #[test]
    fn filters_are_checked() {
        for good in [DEFAULT_FILTER, "warn,farwatch_agent=trace"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        assert!(parse("a=b=c").is_err());
    }
}
