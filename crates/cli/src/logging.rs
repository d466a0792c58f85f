//! Where log lines and traces go. Lines go to standard error, for people on a terminal, as JSON otherwise; spans to a
//! collector, where one is configured. Both are always masked. A server keeps its last lines besides.

use crate::recent::Recent;
use crate::redact::Masked;
use crate::telemetry::Traces;
use std::io::{self, IsTerminal, Write};
use std::panic;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Whatever the filter says: at its debug level PostgreSQL's client logs every statement's values.
const STATEMENTS_OFF: &str = "tokio_postgres=info";
/// The crates whose spans are traces.
const OURS: [&str; 5] = ["app", "cli", "providers", "server", "store"];

/// Starts logging, once in a process. `filter` is what `log` is set to, `format` what `log_format` is; of a filter
/// that is none, nothing is left but errors.
pub(crate) fn start(filter: &str, format: &str, traces: Option<&Traces>, recent: Option<Recent>) {
    let filter = EnvFilter::new(filter).add_directive(STATEMENTS_OFF.parse().expect("it is a directive"));
    let lines = fmt::layer().with_writer(move || Masked(Both(io::stderr(), recent.clone())));
    let lines = match format == "text" || (format != "json" && io::stderr().is_terminal()) {
        true => lines.boxed(),
        false => lines.json().flatten_event(true).boxed(),
    };
    let ours = OURS.map(|name| (format!("dialtone_{name}"), LevelFilter::DEBUG));
    let spans = traces.map(|traces| traces.layer().with_filter(Targets::new().with_targets(ours)));
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    // A panic's text may hold anything, so it goes the same way.
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a defect of Dialtone")));
}

/// Standard error, and the last lines besides.
struct Both<W>(W, Option<Recent>);

impl<W: Write> Write for Both<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(recent) = &self.1 {
            recent.keep(line);
        }
        self.0.write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
