//! Who may serve a SQLite database: one process at a time, told by a lock on a file beside it. The system frees it
//! when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::postgres::others_connected;
use crate::store::Target;
use crate::worker::pause;
use crate::{Error, Result};

/// How often is looked whether it is free.
const LOOK: Duration = Duration::from_millis(20);

/// The lock, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file is what frees the lock")] File);

/// A file that belongs to the database: its name with something behind it.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Lock {
    /// Takes it, waiting so long for whoever has it.
    ///
    /// # Errors
    /// [`Error::InUse`] names who has it.
    pub(crate) fn take(database: &Path, patience: Duration) -> Result<Self> {
        let path = beside(database, "-lock");
        let refused = |error: std::io::Error| {
            Error::Unreachable(format!("{} cannot be made or locked: {error}", path.display()))
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(refused)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => pause(LOOK),
                Err(TryLockError::WouldBlock) => return Err(Error::InUse(holder(&mut file, database))),
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
        }
        // For people: the lock itself is what counts.
        let note = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(refused)?;
        Ok(Self(file))
    }
}

fn holder(file: &mut File, database: &Path) -> String {
    let mut process = String::new();
    let known = file.rewind().and_then(|()| file.read_to_string(&mut process)).is_ok() && !process.is_empty();
    let who = if known { format!("process {process}") } else { "another process".to_owned() };
    format!("{who} serves {}", database.display())
}

/// Keeps servers away from a database that is to be copied for good.
#[derive(Debug)]
pub struct Hold {
    _lock: Option<Lock>,
}

impl Hold {
    /// Of the database at this address. Blocks: not for an async runtime's thread.
    ///
    /// # Errors
    /// [`Error::InUse`] while a server has it.
    pub fn take(url: &str) -> Result<Self> {
        match Target::parse(url)? {
            Target::Sqlite(path) if !path.exists() => Err(Error::Absent),
            Target::Sqlite(path) => Ok(Self { _lock: Some(Lock::take(&path, Duration::ZERO)?) }),
            Target::Postgres(config) => match others_connected(&config)? {
                0 => Ok(Self { _lock: None }),
                others => Err(Error::InUse(format!("{others} connections of Dialtone are open"))),
            },
        }
    }
}
