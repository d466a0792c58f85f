//! Where log lines go: to standard error, for people on a terminal, as JSON otherwise, and always masked.

use crate::redact::Masked;
use std::io::{self, IsTerminal};
use std::panic;
use tracing_subscriber::EnvFilter;

/// Whatever the filter says: at its debug level PostgreSQL's client logs every statement's values.
const STATEMENTS_OFF: &str = "tokio_postgres=info";

/// Starts logging, once in a process. `filter` is what `log` is set to; of a filter that is none, nothing is
/// left but errors.
pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::new(filter).add_directive(STATEMENTS_OFF.parse().expect("it is a directive"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Masked(io::stderr()));
    match io::stderr().is_terminal() {
        true => lines.init(),
        false => lines.json().flatten_event(true).init(),
    }
    // A panic's text may hold anything, so it goes the same way.
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a defect of Dialtone")));
}
