//! The schema: numbered files for both engines, run at the start, each in one transaction, only forward.

use crate::error::Fault;
use crate::sql::{Sql, sql};
use crate::tx::{Step, Tx};
use crate::value::params;
use crate::{Engine, Error, Result};

/// A migration's name and text.
type Migration = (&'static str, &'static str);

/// All migrations in order; a migration's version is its place, from 1.
const MIGRATIONS: [Migration; 1] = [("foundation", include_str!("../migrations/0001_foundation.sql"))];

/// The table that records them.
pub(crate) const VERSIONS: &str = "schema_version";

/// The newest version.
pub(crate) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// Brings the database to this program's schema. Nodes and processes that start together wait for each
/// other. Of a SQLite database a copy is kept beside it first.
///
/// # Errors
/// [`Error::Newer`] and [`Error::Corrupt`] for a database that is not ours to change; it is not touched.
pub(crate) fn migrate(tx: &mut Tx) -> Result<()> {
    migrate_by(tx, &MIGRATIONS)
}

fn migrate_by(tx: &mut Tx, migrations: &[Migration]) -> Result<()> {
    tx.begin(Step::Migrate).map_err(Fault::into_error)?;
    let found = version(tx);
    tx.step(Step::Rollback).map_err(Fault::into_error)?;
    let known = migrations.len() as i64;
    if (1..known).contains(&found?) {
        tx.copy_before(known)?;
    }
    loop {
        tx.begin(Step::Migrate).map_err(Fault::into_error)?;
        let more = step(tx, migrations, known);
        let end = if matches!(more, Ok(true)) { Step::Commit } else { Step::Rollback };
        tx.step(end).map_err(Fault::into_error)?;
        if !more? {
            return Ok(());
        }
    }
}

/// Brings the schema to that version in the transaction at hand.
///
/// # Errors
/// As [`migrate`].
pub(crate) fn up_to(tx: &mut Tx, version: i64) -> Result<()> {
    while step(tx, &MIGRATIONS, version)? {}
    Ok(())
}

/// Runs the next migration up to that version in the transaction; says whether there was one.
fn step(tx: &mut Tx, migrations: &[Migration], wanted: i64) -> Result<bool> {
    let (found, known) = (version(tx)?, migrations.len() as i64);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    let next = usize::try_from(found).ok().filter(|_| found < wanted);
    let Some((name, text)) = next.and_then(|index| migrations.get(index)) else {
        return Ok(false);
    };
    let text = translate(text, tx.engine());
    tx.batch(&text).map_err(|fault| match fault.into_error() {
        Error::Internal(reason) => Error::Internal(format!("migration {name}: {reason}")),
        error => error,
    })?;
    tx.exec(sql!("INSERT INTO schema_version (version, name) VALUES (?1, ?2)"), params![found + 1, *name])?;
    Ok(true)
}

/// The schema's version, 0 for an empty database.
///
/// # Errors
/// [`Error::Corrupt`] for a database that is not ours.
pub(crate) fn version(tx: &mut Tx) -> Result<i64> {
    let tables: Sql = match tx.engine() {
        Engine::Sqlite => {
            sql!(only Sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        }
        Engine::Postgres => sql!(only Postgres: "SELECT CAST(c.relname AS TEXT) FROM pg_catalog.pg_class c \
            WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relkind IN ('r', 'p')"),
    };
    let tables: Vec<(String,)> = tx.all(tables, params![])?;
    if tables.is_empty() {
        return Ok(0);
    }
    let not_ours = || {
        Error::Corrupt(
            "the database is not empty and is not Dialtone's; it was not touched. Choose another one"
                .to_owned(),
        )
    };
    if !tables.iter().any(|(name,)| name == "schema_version") {
        return Err(not_ours());
    }
    let newest = sql!("SELECT version FROM schema_version ORDER BY version DESC LIMIT 1");
    let found: Option<(i64,)> = tx.opt(newest, params![]).map_err(|error| match error {
        Error::Internal(_) => not_ours(),
        other => other,
    })?;
    found.map(|(version,)| version).ok_or_else(not_ours)
}

/// A migration in the words of one engine: lines marked for the other are left out, and the column types
/// become the engine's own. On PostgreSQL every text compares by bytes, as it does on SQLite.
fn translate(text: &str, engine: Engine) -> String {
    let (mark, words) = match engine {
        Engine::Sqlite => {
            ("-- sqlite:", &[("BIGINT", "INTEGER"), ("BOOLEAN", "INTEGER"), ("BYTEA", "BLOB")][..])
        }
        Engine::Postgres => ("-- postgres:", &[("TEXT", "TEXT COLLATE \"C\""), (" STRICT", "")][..]),
    };
    let lines = text
        .lines()
        .map(|line| line.strip_prefix(mark).unwrap_or(line))
        .filter(|line| !line.starts_with("--"));
    words.iter().fold(lines.collect::<Vec<_>>().join("\n"), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Sqlite, create_file};

    #[test]
    fn t45_a_copy_of_the_old_database_is_kept_and_a_migration_that_fails_leaves_it_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        create_file(&path).unwrap();
        let mut tx = Tx::new(Box::new(Sqlite::writer(&path, None).unwrap()));
        migrate_by(&mut tx, &MIGRATIONS).unwrap();
        let [first] = MIGRATIONS;
        let copy = folder.path().join("d.db-before-2");
        assert!(!copy.exists(), "there was nothing to keep");

        let broken = ("broken", "CREATE TABLE more (id TEXT) STRICT; CREATE TABLE users (id TEXT) STRICT;");
        assert!(matches!(migrate_by(&mut tx, &[first, broken]), Err(Error::Internal(_))));
        tx.begin(Step::Migrate).unwrap();
        assert_eq!(version(&mut tx), Ok(1));
        let tables = crate::schema::tables(&mut tx).unwrap();
        assert!(!tables.iter().any(|table| table.name == "more"), "half of it was kept");
        tx.step(Step::Rollback).unwrap();

        migrate_by(&mut tx, &[first, ("more", "CREATE TABLE more (id TEXT) STRICT;")]).unwrap();
        let mut old = Tx::new(Box::new(Sqlite::reader(&copy).unwrap()));
        assert_eq!(version(&mut old), Ok(1));
        let newer = migrate_by(&mut tx, &[first]);
        assert_eq!(newer, Err(Error::Newer { found: 2, known: 1 }), "an older program does not touch it");
    }

    #[test]
    fn a_migration_is_translated_for_each_engine() {
        let text = "-- a comment\nCREATE TABLE a (b BIGINT, c TEXT) STRICT;\n-- sqlite: ONLY HERE;\n-- postgres: ONLY THERE;";
        assert_eq!(
            translate(text, Engine::Sqlite),
            "CREATE TABLE a (b INTEGER, c TEXT) STRICT;\n ONLY HERE;"
        );
        assert_eq!(
            translate(text, Engine::Postgres),
            "CREATE TABLE a (b BIGINT, c TEXT COLLATE \"C\");\n ONLY THERE;"
        );
    }
}
