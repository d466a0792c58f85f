//! What can go wrong in the store. No text here ever holds a row's contents or a secret.

use dialtone_domain::{Code, Problem};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too much is waiting, or others held a lock for too long. Nothing was changed; try again.
    #[error("the database is busy; nothing was changed")]
    Busy,
    /// The database cannot be reached or written at present (server gone, disk full). Nothing was changed.
    #[error("the database cannot be used at present ({0}); nothing was changed")]
    Unreachable(String),
    /// The connection was lost while committing: look whether it happened before doing it again.
    #[error("the connection to the database was lost while committing; the change may or may not be saved")]
    Unclear,
    /// A rule of the schema (a unique key, a reference) refused the row. Nothing was changed.
    #[error("a rule of the database refused the change ({0}); nothing was changed")]
    Conflict(String),
    /// The database belongs to a newer program than this one. It was not touched.
    #[error(
        "this database was written by a newer version of Dialtone (its schema is version {found}, this \
         program knows versions up to {known}): start the newer version, or restore a backup from before the update"
    )]
    Newer {
        /// The schema version in the database.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// There is no database of ours at this address. Nothing was made.
    #[error("there is no Dialtone database at this address; nothing was made")]
    Absent,
    /// Another process has it. Nothing was changed.
    #[error(
        "it is in use: {0}. Stop that one first, or name another data directory with --data-dir; nothing was changed"
    )]
    InUse(String),
    /// What is to be filled holds something already. It was not touched.
    #[error("the database is not empty, and nothing is written over what is there; choose an empty one")]
    NotEmpty,
    /// What was found is damaged, or is not a database of ours. It was not touched.
    #[error("{0}")]
    Corrupt(String),
    /// The address of the database is not one.
    #[error("the database URL must be sqlite://<path> or postgres://<user>@<host>/<database>: {0}")]
    Url(&'static str),
    /// A text contains a NUL byte, which PostgreSQL cannot keep. Nothing was changed.
    #[error("a text contains a NUL byte")]
    Nul,
    /// A fault of this program.
    #[error("internal error of the store: {0}")]
    Internal(String),
}

/// What users are told of it. The reason itself is for the log.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Busy => Code::Busy,
            Error::Unreachable(_) | Error::Unclear => Code::StorageUnavailable,
            Error::Nul => Code::InvalidRequest,
            _ => Code::Internal,
        };
        // A closure that is run again passes here as busy, too; those are counted, not logged.
        if !matches!(error, Error::Busy | Error::Nul) {
            tracing::warn!(%error, code = code.name(), "the store");
        }
        Problem::new(code)
    }
}

/// How far a failure reaches: the statement, the whole transaction, or the connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Only the statement failed, and with it the job that made it.
    Statement(Error),
    /// The transaction is over without effect, and may succeed when run again.
    Retry,
    /// The connection is gone; what was not committed has had no effect.
    Lost(String),
    /// The transaction is over without effect, and running it again is pointless.
    Over(Error),
}

impl Fault {
    /// What a caller is told who must live with it.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Fault::Statement(error) | Fault::Over(error) => error,
            Fault::Retry => Error::Busy,
            Fault::Lost(reason) => Error::Unreachable(reason),
        }
    }
}
