//! What goes to standard error: JSON for machines, readable lines on a terminal.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

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
    use tracing_subscriber::util::SubscriberInitExt as _;
    let filter = parse(filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    if io::stderr().is_terminal() {
        lines.finish().try_init().map_err(LoggingError::Twice)
    } else {
        lines.json().flatten_event(true).finish().try_init().map_err(LoggingError::Twice)
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
    use super::*;

    #[test]
    fn filters_are_checked() {
        for good in [DEFAULT_FILTER, "warn,farwatch_agent=trace"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        assert!(parse("a=b=c").is_err());
    }
}
