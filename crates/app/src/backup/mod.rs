//! Backups: one file with everything that the database and the media folder hold, whichever engine it came from,
//! and the way back. Sealed columns stay sealed, and the master key is never in it.
//!
//! - `archive` is the file: how it is written and how it is read and checked.
//! - `create`, `restore` and `moving` join it with the store; `schedule` makes one from time to time.

mod archive;
mod create;
mod moving;
mod restore;
mod schedule;

pub use archive::{Instance, Manifest};
pub use create::{Listed, Made};
pub use moving::MovedTable;
pub use restore::{Restored, Target};
pub use schedule::Schedule;

use jiff::Timestamp;
use std::io;
use std::path::{Path, PathBuf};

/// What is backed up.
#[derive(Debug, Clone)]
pub struct Source {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// Where the media are, and the folder `backups`.
    pub data_dir: PathBuf,
}

/// Why there is no backup, or nothing came of one; each text is a paragraph for whoever runs the command.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database says no.
    #[error("The database cannot be used: {0}.")]
    Store(#[from] dialtone_store::Error),
    /// A file or a folder.
    #[error("{path} cannot be {what}: {error}. Nothing was left half-done.")]
    File {
        /// Read, written, made.
        what: &'static str,
        /// Which one.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Something is where the result should go.
    #[error("There is something at {0} already, and nothing is written over it: choose another place.")]
    Occupied(String),
    /// A place that no folder can be put into.
    #[error(
        "{0} is a link or the root of a volume, which a restored folder cannot replace. Nothing was made; name a folder in \
         it that is not there yet, for example {0}/restored."
    )]
    Fixed(String),
    /// Not a backup, or not a whole one.
    #[error("{0} is not a whole backup: {1}. Nothing was restored from it; use another one.")]
    Damaged(String, String),
    /// From a later version of the program.
    #[error("{0} was made by a newer version of Dialtone ({1}): restore it with that version.")]
    Newer(String, String),
    /// What arrived is not what was sent.
    #[error("The table {0} did not arrive as it left. Nothing was kept.")]
    Differs(String),
    /// The database that is to be moved is being used.
    #[error("The database is in use ({0}): stop every server that uses it first. Nothing was changed.")]
    InUse(String),
    /// A defect of this program.
    #[error("A defect of Dialtone: the work on the backup panicked.")]
    Panicked,
}

impl BackupError {
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |error| Self::File { what, path, error }
    }
}

/// Makes a backup of one committed state while servers go on. Without a place it goes to the folder `backups` of the
/// data directory; a folder is given a file named after the time.
///
/// # Errors
/// [`BackupError`]: no file is left then.
pub async fn create_backup(source: Source, to: Option<PathBuf>) -> Result<Made, BackupError> {
    let at = crate::clock::now();
    apart(move || create::create(&source, to, at)).await
}

/// The backups in the folder `backups` of the data directory, the newest first. Their contents are not looked at.
///
/// # Errors
/// [`BackupError::File`].
pub fn list_backups(data_dir: &Path) -> Result<Vec<Listed>, BackupError> {
    create::list(&create::folder(data_dir))
}

/// Reads a backup to its end and compares everything in it with what its manifest says.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Newer`], [`BackupError::File`].
pub async fn verify_backup(file: PathBuf) -> Result<Manifest, BackupError> {
    apart(move || archive::read(&file, &mut |_| Ok(()))).await
}

/// Restores a backup into an empty place: checked before it is there, fenced when it is.
///
/// # Errors
/// [`BackupError`]: the place is as empty as before then.
pub async fn restore_backup(file: PathBuf, target: Target) -> Result<Restored, BackupError> {
    let at = crate::clock::now();
    apart(move || restore::restore(&file, &target, at)).await
}

/// Copies a database that nobody uses into an empty one, of either engine, and compares every table on both sides
/// before it is kept. The source is not changed.
///
/// # Errors
/// [`BackupError`]: the target is as empty as before then.
pub async fn migrate_database(from: String, to: String) -> Result<Vec<MovedTable>, BackupError> {
    apart(move || moving::migrate(&from, &to)).await
}

/// Blocking work on a thread of its own: it takes long, and PostgreSQL's client must not block a runtime's.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    let (done, answer) = tokio::sync::oneshot::channel();
    // Whoever went away meanwhile does not need the answer.
    std::thread::spawn(move || drop(done.send(work())));
    answer.await.unwrap_or(Err(BackupError::Panicked))
}

/// The part of a backup's name that tells when it was made.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}
