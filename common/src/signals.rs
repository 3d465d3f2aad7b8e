//! When the system or a person asks the process to end.

use tokio_util::sync::CancellationToken;

/// Why signals cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch for the signals that end the process")]
pub struct SignalError(#[from] ctrlc::Error);

/// Cancelled on SIGTERM, SIGINT or SIGHUP, and on Windows on Ctrl-C, Ctrl-Break, close and
/// shutdown. Call once per process.
pub fn stop_requested() -> Result<CancellationToken, SignalError> {
    let stop = CancellationToken::new();
    let requested = stop.clone();
    ctrlc::set_handler(move || requested.cancel())?;
    Ok(stop)
}
