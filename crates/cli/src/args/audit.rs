//! `dialtone audit`: what it takes.

use super::{ClientFlags, Remote, ServerFlags, at_least_one};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Which entries of the audit trail.
#[derive(Debug, Args)]
pub(crate) struct AuditFilter {
    /// Not before this time, as 2026-11-20T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Not after this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// What the person with this id did.
    #[arg(long, value_name = "ID")]
    pub(crate) actor: Option<String>,
    /// Kinds that begin so: "line." for all about lines.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// What happened to the object with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) subject: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// JSON lines, which `dialtone audit verify --file` can verify anywhere.
    Jsonl,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List the entries, the newest first.
    List {
        #[command(flatten)]
        filter: AuditFilter,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = at_least_one())]
        limit: usize,
        #[command(flatten)]
        remote: Remote,
    },
    /// Write the entries to standard output, the oldest first. The export becomes an entry itself. With a filter it has
    /// gaps, and cannot be verified.
    Export {
        /// What kind of file.
        #[arg(long, value_enum, default_value = "jsonl")]
        format: AuditFormat,
        #[command(flatten)]
        filter: AuditFilter,
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Print where each chain ends: organisation, number, hash. Keep it elsewhere, for `verify --anchor`. Works on
    /// the data directory, also beside a running server.
    Head {
        #[command(flatten)]
        server: ServerFlags,
    },
    /// Verify that no entry was changed, removed, inserted or moved, and name the first that was. Exit code 3 when
    /// there is one. Works on the data directory, also beside a running server.
    Verify {
        /// Only the organisation with this name or id.
        #[arg(long, value_name = "NAME", conflicts_with = "file")]
        org: Option<String>,
        /// What `dialtone audit head` printed earlier: the chains must still pass through it.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Verify an exported file of JSON lines instead, without any server or data directory.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerFlags,
    },
}
