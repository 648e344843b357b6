//! Logs: structured lines on standard error. What users send is never logged.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging. `RUST_LOG` chooses what is told.
pub(crate) fn start_logging(format: LogFormat) {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Colours are for people. NO_COLOR is heeded besides.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    if let Err(err) = started {
        tracing::warn!(error = %err, "logging was started before");
    }
}
