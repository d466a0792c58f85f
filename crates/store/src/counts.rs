//! What is counted across organisations, for whoever runs the installation: numbers only, nobody's data.

use jiff::Timestamp;
use serde_json::Value;

use crate::sql::{Sql, sql};
use crate::value::{params, record};
use crate::{Result, Tx};

record! {
    /// Operations of one kind in one state.
    pub struct Backlog {
        /// What kind.
        pub kind: String,
        /// How far they are.
        pub state: String,
        /// How many.
        pub count: i64,
        /// When the one that has waited longest was due.
        pub oldest: Timestamp,
    }
}

/// The operations that have not ended.
///
/// # Errors
/// As all queries.
pub fn backlog(tx: &mut Tx) -> Result<Vec<Backlog>> {
    tx.all(
        sql!(
            "SELECT kind, state, COUNT(*), MIN(run_at) FROM operations WHERE finished_at IS NULL \
             GROUP BY kind, state"
        ),
        params![],
    )
}

record! {
    /// What is open, of one kind.
    pub struct Count {
        /// What kind.
        pub kind: String,
        /// How many.
        pub count: i64,
    }
}

/// The alerts that are open.
///
/// # Errors
/// As all queries.
pub fn open_alerts(tx: &mut Tx) -> Result<Vec<Count>> {
    tx.all(sql!("SELECT kind, COUNT(*) FROM alerts WHERE resolved_at IS NULL GROUP BY kind"), params![])
}

/// The messages that have not been delivered, to whomever.
///
/// # Errors
/// As all queries.
pub fn waiting_deliveries(tx: &mut Tx) -> Result<i64> {
    tx.one::<(i64,)>(sql!("SELECT COUNT(*) FROM deliveries WHERE finished_at IS NULL"), params![])
        .map(|row| row.0)
}

record! {
    /// An operation that has a problem.
    pub struct Failed {
        /// When it was asked for.
        pub created_at: Timestamp,
        /// What kind.
        pub kind: String,
        /// How far it came.
        pub state: String,
        /// The problem.
        pub problem: Value,
    }
}

/// The last operations that have a problem.
///
/// # Errors
/// As all queries.
pub fn failed(tx: &mut Tx) -> Result<Vec<Failed>> {
    tx.all(
        sql!(
            "SELECT created_at, kind, state, problem FROM operations WHERE problem IS NOT NULL \
             ORDER BY id DESC LIMIT 50"
        ),
        params![],
    )
}

/// The number of the newest migration.
///
/// # Errors
/// As all queries.
pub fn schema_version(tx: &mut Tx) -> Result<i64> {
    tx.one::<(i64,)>(sql!("SELECT COALESCE(MAX(version), 0) FROM schema_version"), params![]).map(|row| row.0)
}

/// The rows of each table that tells how large an installation is.
///
/// # Errors
/// As all queries.
pub fn rows(tx: &mut Tx) -> Result<Vec<(&'static str, i64)>> {
    let tables: [(&'static str, Sql); 9] = [
        ("orgs", sql!("SELECT COUNT(*) FROM orgs")),
        ("users", sql!("SELECT COUNT(*) FROM users")),
        ("members", sql!("SELECT COUNT(*) FROM members")),
        ("sessions", sql!("SELECT COUNT(*) FROM sessions")),
        ("tokens", sql!("SELECT COUNT(*) FROM tokens")),
        ("lines", sql!("SELECT COUNT(*) FROM lines")),
        ("operations", sql!("SELECT COUNT(*) FROM operations")),
        ("operation_steps", sql!("SELECT COUNT(*) FROM operation_steps")),
        ("events", sql!("SELECT COUNT(*) FROM events")),
    ];
    tables.into_iter().map(|(name, sql)| Ok((name, tx.one::<(i64,)>(sql, params![])?.0))).collect()
}
