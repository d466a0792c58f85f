//! Whole databases: read in one committed state, and written into an empty one, of either engine. For backups
//! and for moving from one engine to the other.

use std::time::Duration;

use crate::error::Fault;
use crate::lock::{Lock, beside};
use crate::migrate;
use crate::schema::{self, Table};
use crate::sql::{Sql, sql};
use crate::store::Target;
use crate::tx::{Step, Tx};
use crate::value::{Value, params};
use crate::{Engine, Error, Result, portable, sqlite, sums};

/// One committed state of a database, held until this is dropped. Writers are not kept waiting.
///
/// Its connection blocks: use it on a thread of its own, never on an async runtime's.
pub struct Snapshot {
    tx: Tx,
    version: i64,
    tables: Vec<Table>,
}

impl Snapshot {
    /// Of the database at this address, which is not made and not changed.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Unreachable`], [`Error::Newer`], [`Error::Corrupt`]; [`Error::Absent`] for a
    /// database without Dialtone's tables.
    pub fn open(url: &str) -> Result<Self> {
        let target = Target::parse(url)?;
        if let Target::Sqlite(path) = &target
            && path.exists()
        {
            // Whoever has the lock compared it before.
            match Lock::take(path, Duration::ZERO) {
                Err(Error::InUse(_)) => (),
                lock => lock.and_then(|_lock| sums::compare(path))?,
            }
        }
        let mut tx = target.connect_to_read()?;
        unhurried(&mut tx)?;
        tx.begin(Step::Read).map_err(Fault::into_error)?;
        let version = migrate::version(&mut tx)?;
        match version {
            0 => return Err(Error::Absent),
            found if found > migrate::known() => return Err(Error::Newer { found, known: migrate::known() }),
            _ => (),
        }
        let tables = schema::tables(&mut tx)?;
        Ok(Self { tx, version, tables })
    }

    /// Which engine it is of.
    pub fn engine(&self) -> Engine {
        self.tx.engine()
    }

    /// Its schema's version.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Its tables, by name.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }

    /// For queries on this state.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Hands over a table's rows as lines, in the order of its key.
    ///
    /// # Errors
    /// As all queries, and whatever `each` answers.
    pub fn rows<E: From<Error>>(
        &mut self,
        table: &Table,
        each: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        rows(&mut self.tx, table, each)
    }
}

/// An empty database that is being filled, in one transaction: it is there as a whole, or stays empty.
///
/// Its connection blocks: use it on a thread of its own, never on an async runtime's.
pub struct Filling {
    tx: Tx,
    tables: Vec<Table>,
    references: Vec<(String, String, String)>,
}

impl Filling {
    /// Makes the schema of that version in the database at this address, which must be empty.
    ///
    /// # Errors
    /// [`Error::NotEmpty`]; [`Error::Newer`] for a version that this program does not know; as [`Snapshot::open`].
    pub fn begin(url: &str, version: i64) -> Result<Self> {
        let known = migrate::known();
        if version > known {
            return Err(Error::Newer { found: version, known });
        }
        let target = Target::parse(url)?;
        if let Target::Sqlite(path) = &target {
            sums::refuse_orphans(path)?;
            if beside(path, "-sums").exists() {
                return Err(Error::NotEmpty);
            }
            sqlite::create_file(path)?;
        }
        let mut tx = target.connect()?;
        unhurried(&mut tx)?;
        if tx.engine() == Engine::Sqlite {
            // Rows come in the order of the tables' names: references are checked at the end.
            tx.batch("PRAGMA foreign_keys = OFF").map_err(Fault::into_error)?;
        }
        tx.begin(Step::Migrate).map_err(Fault::into_error)?;
        match migrate::version(&mut tx) {
            Ok(0) => (),
            Ok(_) | Err(Error::Corrupt(_)) => return Err(Error::NotEmpty),
            Err(error) => return Err(error),
        }
        migrate::up_to(&mut tx, version)?;
        let references = take_references(&mut tx)?;
        let tables = schema::tables(&mut tx)?;
        Ok(Self { tx, tables, references })
    }

    /// The tables to be filled, by name.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }

    /// Adds rows, as [`Snapshot::rows`] hands them over. The schema's own version is there already and is left out.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a line that is no row of the table; as all queries.
    pub fn add(&mut self, table: &Table, lines: &str) -> Result<()> {
        if table.name == migrate::VERSIONS {
            return Ok(());
        }
        let wrong = || Error::Corrupt(format!("a row of the table {} cannot be read", table.name));
        let mut rows = lines.lines().map(|line| portable::read(line, &table.kinds).ok_or_else(wrong));
        self.tx.fill(table, &mut rows)
    }

    /// Hands over what the table holds now, as [`Snapshot::rows`] does.
    ///
    /// # Errors
    /// As all queries, and whatever `each` answers.
    pub fn rows<E: From<Error>>(
        &mut self,
        table: &Table,
        each: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        rows(&mut self.tx, table, each)
    }

    /// Checks every reference, brings the schema up to date, does what is left to do, and keeps it all.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a row refers to none; as all queries, and whatever `last` answers: the database is
    /// as empty as before then.
    pub fn keep<E: From<Error>>(mut self, last: impl FnOnce(&mut Tx) -> Result<(), E>) -> Result<(), E> {
        put_references(&mut self.tx, &self.references)?;
        migrate::up_to(&mut self.tx, migrate::known())?;
        last(&mut self.tx)?;
        self.tx.commit().map_err(Fault::into_error)?;
        Ok(())
    }
}

/// What reads and writes whole databases takes as long as it takes.
fn unhurried(tx: &mut Tx) -> Result<()> {
    match tx.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => tx
            .batch("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
            .map_err(Fault::into_error),
    }
}

fn rows<E: From<Error>>(
    tx: &mut Tx,
    table: &Table,
    each: &mut dyn FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let (mut line, mut row, mut failed) = (String::new(), Vec::new(), None);
    let read = tx.each(table.select(), params![], &mut |columns| {
        row.clear();
        for _ in &table.columns {
            row.push(columns.take::<Value>()?);
        }
        line.clear();
        portable::write(&row, &mut line);
        each(&line).map_err(|error| {
            failed = Some(error);
            Error::Internal("whoever reads the rows gave up".to_owned())
        })
    });
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, read) => Ok(read?),
    }
}

/// PostgreSQL checks each reference as its row comes: they are taken away, and put back when all rows are there.
fn take_references(tx: &mut Tx) -> Result<Vec<(String, String, String)>> {
    if tx.engine() == Engine::Sqlite {
        return Ok(Vec::new());
    }
    let references: Sql = sql!(only Postgres: "SELECT CAST(CAST(conrelid AS regclass) AS TEXT), \
        CAST(quote_ident(conname) AS TEXT), pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint \
        WHERE contype = 'f' AND connamespace = CAST(current_schema() AS regnamespace)");
    let references: Vec<(String, String, String)> = tx.all(references, params![])?;
    for (table, name, _) in &references {
        tx.batch(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}")).map_err(Fault::into_error)?;
    }
    Ok(references)
}

fn put_references(tx: &mut Tx, references: &[(String, String, String)]) -> Result<()> {
    let dangling = || Error::Corrupt("a row refers to one that is not there".to_owned());
    for (table, name, definition) in references {
        tx.batch(&format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")).map_err(|fault| {
            match fault.into_error() {
                Error::Conflict(_) => dangling(),
                error => error,
            }
        })?;
    }
    if tx.engine() == Engine::Sqlite {
        let (broken,): (i64,) =
            tx.one(sql!(only Sqlite: "SELECT COUNT(*) FROM pragma_foreign_key_check"), params![])?;
        if broken > 0 {
            return Err(dangling());
        }
    }
    Ok(())
}
