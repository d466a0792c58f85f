//! `dialtone backup …`.

use super::{Output, ServerFlags};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Make one of the data directory and its database. The master key is not in it: keep that apart.
    Create {
        /// The file, or a folder to put it into [default: the folder `backups` of the data directory].
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        output: Output,
    },
    /// List those in the data directory, the newest first.
    List {
        #[command(flatten)]
        server: ServerFlags,
        #[command(flatten)]
        output: Output,
    },
    /// Read one to its end and compare everything in it with what it says it holds.
    Verify {
        /// The backup.
        file: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Restore one into a new data directory. It starts held back: nothing is bought, sent or changed at Twilio or
    /// Vapi before `dialtone backup unfence`.
    Restore {
        /// The backup.
        file: PathBuf,
        /// The new data directory: not there yet, or empty.
        #[arg(long, value_name = "FOLDER")]
        data_dir: PathBuf,
        /// An empty PostgreSQL database [default: a SQLite database in the data directory].
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
    },
    /// Let a restored backup act again, once the original no longer runs. Also beside a running server.
    Unfence {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: ServerFlags,
    },
}
