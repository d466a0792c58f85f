//! SQLite: one file in WAL mode. Every commit is flushed to the disk (`synchronous=FULL`) before it is
//! answered; moving the log into the file (the checkpoint) is another thread's work.

use std::fs::{File, OpenOptions};
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, params_from_iter};

use crate::error::Fault;
use crate::lock::{Lock, beside};
use crate::schema::Table;
use crate::sql::Sql;
use crate::sums::{Sums, refuse_orphans};
use crate::tx::{Connection, Step};
use crate::value::{Row, Value};
use crate::wake::Topics;
use crate::worker::pause;
use crate::{Engine, Error, Result};

/// How long a statement waits for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is moved into the file when it is longer than this…
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// …and begun anew, for which writers wait a moment, when it is longer than this.
const RESTART_BYTES: u64 = 256 << 20;
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
                 PRAGMA journal_size_limit = 67108864;
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
    // The file changes only where its pages' sums are noted (`sums.rs`).
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(|error| opening(path, &error))?;
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

    fn copy_before(&mut self, version: i64) -> Result<()> {
        let Some(path) = self.connection.path().map(PathBuf::from) else { return Ok(()) };
        let copy = beside(&path, &format!("-before-{version}"));
        // Whoever was killed while copying left half a copy.
        let _ = std::fs::remove_file(&copy);
        create_file(&copy)?;
        let copied = self.connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]);
        copied.map(drop).map_err(|error| opening(&copy, &error))
    }

    fn fill(
        &mut self,
        table: &Table,
        rows: &mut dyn Iterator<Item = Result<Vec<Value>>>,
    ) -> Result<(), Fault> {
        let sql = table.insert();
        for row in rows {
            self.exec(sql, &row.map_err(Fault::Statement)?)?;
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

/// What the one process has that looks after the file: the lock, and the sums of the pages.
pub(crate) struct Keeper {
    path: PathBuf,
    /// None once they cannot be kept.
    sums: Option<Sums>,
    _lock: Lock,
}

impl Keeper {
    /// Compares what is there with its sums, before anybody uses it; makes the file if there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Unreachable`].
    pub(crate) fn open(path: &Path, lock: Lock) -> Result<Self> {
        refuse_orphans(path)?;
        create_file(path)?;
        if !beside(path, "-sums").exists() {
            // What opening changes in a file that is new, or was not in WAL mode, is changed before it is noted.
            drop(Sqlite::writer(path, None)?);
        }
        Ok(Self { path: path.to_owned(), sums: Some(Sums::open(path)?), _lock: lock })
    }

    /// Notes that the database is being used from here on. From then on there has to be a log, so that there is one first,
    /// on the disk: setting a number that nobody uses to what it is writes a page.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Busy`].
    pub(crate) fn begin(&mut self) -> Result<()> {
        Sqlite::writer(&self.path, None)?
            .batch("BEGIN IMMEDIATE; PRAGMA user_version = 0; COMMIT")
            .map_err(Fault::into_error)?;
        self.sums.as_mut().map_or(Ok(()), Sums::begin)
    }
}

/// The thread that moves the log into the file. It ends when the last sender is gone, and frees the lock then.
pub(crate) struct Checkpointer {
    keeper: Keeper,
    log: PathBuf,
    signals: Receiver<()>,
    hands: Option<Hands>,
}

/// The two connections of a checkpoint.
struct Hands {
    /// While it reads, nothing is moved that is committed later.
    holder: Sqlite,
    mover: Sqlite,
    /// What SQLite's processes share. Never closed: the system frees all locks that a process has on a file when it closes
    /// the file once, however often it has opened it, and SQLite's are there.
    shared_memory: ManuallyDrop<File>,
}

impl Checkpointer {
    pub(crate) fn new(keeper: Keeper) -> (SyncSender<()>, Self) {
        let (sender, signals) = sync_channel(1);
        let log = beside(&keeper.path, "-wal");
        (sender, Self { keeper, log, signals, hands: None })
    }

    pub(crate) fn run(mut self) {
        while self.signals.recv().is_ok() {
            let bytes = std::fs::metadata(&self.log).map_or(0, |file| file.len());
            if bytes >= CHECKPOINT_BYTES {
                self.checkpoint(bytes >= RESTART_BYTES);
            }
        }
        let all_moved = self.checkpoint(true);
        self.hands = None;
        let Some(sums) = self.keeper.sums.take().filter(|_| all_moved) else { return };
        let ended = match alone(&self.keeper.path) {
            Some(connection) => end(&self.keeper.path, &connection, sums),
            None => sums.close(),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the end could not be noted beside the database");
        }
    }

    /// Moves what it can, or everything, keeping writers away. Says whether nothing is left in the log alone.
    fn checkpoint(&mut self, all: bool) -> bool {
        if self.hands.is_none() {
            self.hands = Hands::new(&self.keeper.path).ok();
        }
        let Some(hands) = &self.hands else { return false };
        hands.checkpoint(all, &mut self.keeper.sums).unwrap_or_else(|error| {
            let code = error.sqlite_error_code();
            tracing::warn!(?code, "the database's log could not be moved into its file");
            false
        })
    }
}

/// A connection that keeps all others away; none while there are others.
fn alone(path: &Path) -> Option<rusqlite::Connection> {
    let connection = open(path).ok()?;
    connection.busy_timeout(Duration::ZERO).ok()?;
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT").ok()?;
    Some(connection)
}

/// The end of the last one to use the database: its log goes, and with it what was deleted. What is done here can break
/// off anywhere: the next start finds the log, or the note that it is not needed.
fn end(path: &Path, connection: &rusqlite::Connection, mut sums: Sums) -> std::io::Result<()> {
    sums.note_log()?;
    let counts = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    let counts = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], counts);
    let (frames, moved): (i64, i64) = counts.map_err(std::io::Error::other)?;
    if frames == moved {
        let _ = std::fs::remove_file(beside(path, "-shm"));
        sums.close_without_log()?;
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        connection.set_db_config(setting, false).map_err(std::io::Error::other)?;
    }
    Ok(())
}

impl Hands {
    fn new(path: &Path) -> Result<Self> {
        let (holder, mover) = (Sqlite::writer(path, None)?, Sqlite::writer(path, None)?);
        let shared = beside(path, "-shm");
        let unreadable = |error| Error::Unreachable(format!("{} cannot be read: {error}", shared.display()));
        let shared_memory = ManuallyDrop::new(File::open(&shared).map_err(unreadable)?);
        Ok(Self { holder, mover, shared_memory })
    }

    /// Notes what it is about to move, and moves no more than that: nothing behind what the holder sees.
    fn checkpoint(&self, all: bool, sums: &mut Option<Sums>) -> rusqlite::Result<bool> {
        let (holder, mover) = (&self.holder.connection, &self.mover.connection);
        holder.execute_batch(if all { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
        let counts = holder.query_row("PRAGMA schema_version", [], |_| Ok(())).and_then(|()| {
            let counts = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
            match sums.as_mut().map_or(Ok(true), |sums| sums.note_committed(&self.shared_memory)) {
                Ok(true) => mover.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], counts),
                // Some frames, and none of them moved.
                Ok(false) => Ok((1, 0)),
                Err(error) => {
                    tracing::error!(%error, "the sums of the database's pages cannot be kept; the next start begins new ones");
                    if let Some(sums) = sums.take() {
                        sums.give_up();
                    }
                    Ok((1, 0))
                }
            }
        });
        holder.execute_batch("ROLLBACK")?;
        counts.map(|(frames, moved): (i64, i64)| frames == moved)
    }
}
