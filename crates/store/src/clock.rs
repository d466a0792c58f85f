//! The clock that several nodes share.

use jiff::Timestamp;

use crate::sql::sql;
use crate::value::params;
use crate::{Engine, Result, Tx};

/// What the database server's clock says; `None` on SQLite, which has no server.
///
/// # Errors
/// As all queries.
pub fn of_server(tx: &mut Tx) -> Result<Option<Timestamp>> {
    if tx.engine() == Engine::Sqlite {
        return Ok(None);
    }
    let now = sql!(only Postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)");
    tx.one(now, params![]).map(|(now,)| Some(now))
}
