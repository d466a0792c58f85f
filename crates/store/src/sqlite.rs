//! SQLite: one file in WAL mode. Every commit is flushed to the disk (`synchronous=FULL`) before it is
//! answered; moving the log into the file (the checkpoint) is another thread's work.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, params_from_iter};

use crate::error::Fault;
use crate::sql::Sql;
use crate::tx::{Connection, Step};
use crate::value::{Row, Value};
use crate::wake::Topics;
use crate::worker::pause;
use crate::{Engine, Error, Result};

/// How long a statement waits for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is moved into the file when it is longer than this…
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// …and cut off, for which writers wait a moment, when it is longer than this.
const TRUNCATE_BYTES: u64 = 256 << 20;
/// More than the number of texts, so that none is ever prepared twice.
const STATEMENTS: usize = 512;

/// One connection to the file.
pub(crate) struct Sqlite {
    connection: rusqlite::Connection,
    /// Whom a writer tells that the log has grown.
    checkpointer: Option<SyncSender<()>>,
}

/// Makes the file, readable by its owner alone, if it is not there.
pub(crate) fn create_file(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::Unreachable(format!("{} cannot be made: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

impl Sqlite {
    /// A connection that writes.
    pub(crate) fn writer(path: &Path, checkpointer: Option<SyncSender<()>>) -> Result<Self> {
        let connection = open(path)?;
        let started = Instant::now();
        // Whoever changes the journal mode of a new file needs it alone, and SQLite does not wait for that.
        let wal = loop {
            match connection
                .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
            {
                Err(error) if is_busy(&error) && started.elapsed() < LOCK_TIMEOUT => {
                    pause(Duration::from_millis(5));
                }
                other => break other.map_err(|error| opening(path, &error))?,
            }
        };
        if wal != "wal" {
            return Err(Error::Unreachable(format!(
                "{} is on a file system without shared memory",
                path.display()
            )));
        }
        // What is deleted is overwritten: a data key that a rotation has destroyed must not be found in a free page.
        connection
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY",
            )
            .map_err(|error| opening(path, &error))?;
        Ok(Self { connection, checkpointer })
    }

    /// A connection that cannot write.
    pub(crate) fn reader(path: &Path) -> Result<Self> {
        let connection = open(path)?;
        connection
            .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY")
            .map_err(|error| opening(path, &error))?;
        Ok(Self { connection, checkpointer: None })
    }
}

fn open(path: &Path) -> Result<rusqlite::Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        rusqlite::Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    connection.busy_timeout(LOCK_TIMEOUT).map_err(|error| opening(path, &error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// What is said about a file that could not be opened.
fn opening(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::Corrupt(format!(
            "{path} is damaged or is not a database; it was not touched. Restore a backup, or choose another file"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy,
        code => Error::Unreachable(format!("{path} cannot be opened: {code:?}")),
    }
}

/// How far an error reaches. SQLite's own messages may quote what was written, so only codes are kept.
fn fault(error: &rusqlite::Error, place: &dyn std::fmt::Display) -> Fault {
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        return Fault::Statement(Error::Internal(format!("a wrong statement or row at {place}")));
    };
    let unreachable = |reason: &str| Fault::Over(Error::Unreachable(reason.to_owned()));
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Fault::Retry,
        ErrorCode::DiskFull => unreachable("the disk is full"),
        ErrorCode::SystemIoFailure => unreachable("the disk failed"),
        ErrorCode::ReadOnly | ErrorCode::CannotOpen => unreachable("the file cannot be written"),
        ErrorCode::OutOfMemory => unreachable("out of memory"),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            Fault::Over(Error::Corrupt("the database file is damaged; restore a backup".to_owned()))
        }
        ErrorCode::ConstraintViolation => Fault::Statement(Error::Conflict(place.to_string())),
        _ => Fault::Statement(Error::Internal(format!("SQLite error {} at {place}", code.extended_code))),
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Value::Bool(flag) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*flag))),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Sealed(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
        })
    }
}

fn column(row: &rusqlite::Row<'_>, index: usize, sql: Sql) -> Result<Value> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(Value::Null),
        Ok(ValueRef::Integer(number)) => Ok(Value::Int(number)),
        Ok(ValueRef::Text(text)) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
        Ok(ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.to_owned())),
        Ok(ValueRef::Real(_)) | Err(_) => Err(Error::Internal(format!("no such column {index} at {sql}"))),
    }
}

impl Connection for Sqlite {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn words(&self, step: Step) -> &'static str {
        match step {
            Step::Migrate => "BEGIN IMMEDIATE",
            Step::Write => "BEGIN IMMEDIATE; SAVEPOINT job",
            Step::Read => "BEGIN; SAVEPOINT job",
            Step::Keep => "RELEASE job; SAVEPOINT job",
            Step::Undo => "ROLLBACK TO job",
            Step::Commit => "COMMIT",
            Step::Rollback => "ROLLBACK",
        }
    }

    fn batch(&mut self, text: &str) -> Result<(), Fault> {
        self.connection.execute_batch(text).map_err(|error| fault(&error, &"a step of the transaction"))
    }

    fn exec(&mut self, sql: Sql, params: &[Value]) -> Result<u64, Fault> {
        self.connection
            .prepare_cached(sql.text)
            .and_then(|mut statement| statement.execute(params_from_iter(params)))
            .map(|changed| changed as u64)
            .map_err(|error| fault(&error, sql))
    }

    fn query(
        &mut self,
        sql: Sql,
        params: &[Value],
        each: &mut dyn FnMut(&mut Row<'_>) -> Result<()>,
    ) -> Result<(), Fault> {
        let failed = |error: rusqlite::Error| fault(&error, sql);
        let mut statement = self.connection.prepare_cached(sql.text).map_err(failed)?;
        let mut rows = statement.query(params_from_iter(params)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(&mut Row::new(&|index| column(row, index, sql))).map_err(Fault::Statement)?;
        }
        Ok(())
    }

    fn committed(&mut self, _: Topics) {
        if let Some(checkpointer) = &self.checkpointer {
            // If the signal before this one has not been taken yet, it serves for both.
            let _ = checkpointer.try_send(());
        }
    }
}

/// The thread that moves the log into the file. It ends when the last sender is gone.
pub(crate) struct Checkpointer {
    path: PathBuf,
    log: PathBuf,
    signals: Receiver<()>,
}

impl Checkpointer {
    pub(crate) fn new(path: &Path) -> (SyncSender<()>, Self) {
        let (sender, signals) = sync_channel(1);
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        (sender, Self { path: path.to_owned(), log: log.into(), signals })
    }

    pub(crate) fn run(&self) {
        let mut connection = None;
        while self.signals.recv().is_ok() {
            let bytes = std::fs::metadata(&self.log).map_or(0, |file| file.len());
            if bytes < CHECKPOINT_BYTES {
                continue;
            }
            let words = match bytes < TRUNCATE_BYTES {
                true => "PRAGMA wal_checkpoint(PASSIVE)",
                false => "PRAGMA wal_checkpoint(TRUNCATE)",
            };
            if connection.is_none() {
                connection = Sqlite::writer(&self.path, None).ok();
            }
            let done = connection.as_ref().map(|sqlite| sqlite.connection.query_row(words, [], |_| Ok(())));
            if let Some(Err(error)) = done {
                tracing::warn!(code = ?error.sqlite_error_code(), "the database's log could not be moved into its file");
            }
        }
    }
}
