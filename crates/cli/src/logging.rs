//! Where log lines go: to standard error, for people on a terminal, as JSON otherwise, and always masked.

use crate::redact::Masked;
use std::io::{self, IsTerminal};
use std::panic;
use tracing_subscriber::EnvFilter;

/// Whatever the filter says: at its debug level PostgreSQL's client logs every statement's values.
const STATEMENTS_OFF: &str = "tokio_postgres=info";

/// Starts logging. `filter` is what `log` is set to, and was checked with the settings.
pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::new(filter).add_directive(STATEMENTS_OFF.parse().expect("it is a directive"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Masked(io::stderr()));
    // A second start, as `demo --check` may make, keeps the first.
    let _ = if io::stderr().is_terminal() {
        lines.try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
}
