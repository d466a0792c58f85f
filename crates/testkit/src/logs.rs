//! What the tests log is kept, unmasked, so that it can be searched for secrets and phone numbers afterwards.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, Once};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Everything of ours, and what others warn of.
fn filter() -> Targets {
    let ours = ["app", "domain", "providers", "server", "store"].map(|name| format!("dialtone_{name}"));
    let all = ours.map(|target| (target, LevelFilter::TRACE));
    Targets::new().with_targets(all).with_default(LevelFilter::INFO)
}

/// A file of this process in the folder for logs; none without the folder.
fn file(extension: &str) -> Option<File> {
    let dir = PathBuf::from(std::env::var_os("DIALTONE_TEST_LOG_DIR")?);
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("test-{}.{extension}", std::process::id()));
    Some(OpenOptions::new().create(true).append(true).open(path).unwrap())
}

/// Notes a secret that no log line of the run may hold.
pub(crate) fn plant(secret: &str) {
    if let Some(mut file) = file("secrets") {
        writeln!(file, "{secret}").unwrap();
    }
}

/// Logs of this process go to a file in `DIALTONE_TEST_LOG_DIR`; nowhere without it.
pub fn record_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(file) = file("log") else { return };
        let layer = fmt::layer().json().with_writer(Mutex::new(file)).with_filter(filter());
        // Only one subscriber can be first; another one means that somebody else records.
        let _ = tracing_subscriber::registry().with(layer).try_init();
    });
}
