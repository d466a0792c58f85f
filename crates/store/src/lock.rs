//! Who may serve a SQLite database, and who may work on it at all: told by locks on files beside it. The system frees
//! them when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::postgres::others_connected;
use crate::store::Target;
use crate::sums;
use crate::worker::pause;
use crate::{Error, Result};

/// How often is looked whether it is free.
const LOOK: Duration = Duration::from_millis(20);

/// The lock of the one process that looks after the database, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file is what frees the lock")] File);

/// A share in the database, of every process that works on it, until it is dropped; or all of them, for a [`Hold`].
#[derive(Debug)]
pub(crate) struct Share(#[expect(dead_code, reason = "closing the file is what frees the lock")] File);

/// A file that belongs to the database: its name with something behind it.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn lock_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &std::io::Error) -> Error {
    Error::Unreachable(format!("{} cannot be made or locked: {error}", path.display()))
}

impl Lock {
    /// Takes it, waiting so long for whoever has it.
    ///
    /// # Errors
    /// [`Error::InUse`] names who has it.
    pub(crate) fn take(database: &Path, patience: Duration) -> Result<Self> {
        let path = beside(database, "-lock");
        let mut file = lock_file(&path)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => pause(LOOK),
                Err(TryLockError::WouldBlock) => return Err(Error::InUse(holder(&mut file, database))),
                Err(TryLockError::Error(error)) => return Err(refused(&path, &error)),
            }
        }
        // For people: the lock itself is what counts.
        let note = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(|error| refused(&path, &error))?;
        Ok(Self(file))
    }
}

impl Share {
    /// For a process that works on the database.
    ///
    /// # Errors
    /// [`Error::InUse`] while somebody has all of them.
    pub(crate) fn take(database: &Path) -> Result<Self> {
        Self::lock(database, File::try_lock_shared, "is being moved to another database")
    }

    fn take_all(database: &Path) -> Result<Self> {
        Self::lock(database, File::try_lock, "is being used by a command")
    }

    fn lock(database: &Path, lock: fn(&File) -> Result<(), TryLockError>, taken: &str) -> Result<Self> {
        let path = beside(database, "-share");
        let file = lock_file(&path)?;
        match lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(format!("{} {taken}", database.display()))),
            Err(TryLockError::Error(error)) => Err(refused(&path, &error)),
        }
    }
}

fn holder(file: &mut File, database: &Path) -> String {
    let mut process = String::new();
    let known = file.rewind().and_then(|()| file.read_to_string(&mut process)).is_ok() && !process.is_empty();
    let who = if known { format!("process {process}") } else { "another process".to_owned() };
    format!("{who} serves {}", database.display())
}

/// Keeps servers and commands away from a database that is to be copied for good.
#[derive(Debug)]
pub struct Hold {
    _locks: Option<(Lock, Share)>,
}

impl Hold {
    /// Of the database at this address, which is compared with its sums. Blocks: not for an async runtime's thread.
    ///
    /// # Errors
    /// [`Error::InUse`] while somebody works on it; [`Error::Corrupt`].
    pub fn take(url: &str) -> Result<Self> {
        match Target::parse(url)? {
            Target::Sqlite(path) if !path.exists() => Err(Error::Absent),
            Target::Sqlite(path) => {
                let locks = (Lock::take(&path, Duration::ZERO)?, Share::take_all(&path)?);
                sums::compare(&path)?;
                Ok(Self { _locks: Some(locks) })
            }
            Target::Postgres(config) => match others_connected(&config)? {
                0 => Ok(Self { _locks: None }),
                others => Err(Error::InUse(format!("{others} connections of Dialtone are open"))),
            },
        }
    }
}
