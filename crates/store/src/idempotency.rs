//! Requests that carry an `Idempotency-Key`: the first one is done, later ones get its answer.

use jiff::{SignedDuration, Timestamp};

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Sealed, Tenant, Tx};

/// A request that has not been answered for this long was interrupted, and another may take its place.
const INTERRUPTED: SignedDuration = SignedDuration::from_mins(5);

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Begin {
    /// It is new, and now the caller's: do the request.
    Started,
    /// There was a request with it.
    Known(Request),
}

record! {
    /// A request that carried a key.
    pub struct Request as request_columns {
        /// What tells it from others, sealed.
        pub fingerprint: Sealed,
        /// The HTTP status of its answer, once it has one.
        pub status: Option<i64>,
        /// The body of its answer, sealed.
        pub body: Option<Sealed>,
        /// When it began.
        pub created_at: Timestamp,
    }
}

/// Claims a key for a request with that fingerprint, unless it was claimed before. The id holds the caller and
/// the key.
///
/// # Errors
/// As all queries.
pub fn begin(tx: &mut Tx, tenant: &Tenant, id: &str, fingerprint: &Sealed, now: Timestamp) -> Result<Begin> {
    let first = tx.exec(
        sql!(
            "INSERT INTO idempotency (id, org_id, fingerprint, created_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (id) DO NOTHING"
        ),
        params![id, tenant.org(), fingerprint, now],
    )?;
    if first == 1 {
        return Ok(Begin::Started);
    }
    let known = tx.one(
        sql!("SELECT ", request_columns!(), " FROM idempotency WHERE id = ?1 AND org_id = ?2"),
        params![id, tenant.org()],
    )?;
    Ok(Begin::Known(known))
}

/// Takes over a request that was interrupted; false if it may still be running.
///
/// # Errors
/// As all queries.
pub fn take_over(tx: &mut Tx, tenant: &Tenant, id: &str, now: Timestamp) -> Result<bool> {
    let taken = tx.exec(
        sql!(
            "UPDATE idempotency SET created_at = ?3 \
             WHERE id = ?1 AND org_id = ?2 AND status IS NULL AND created_at <= ?4"
        ),
        params![id, tenant.org(), now, now - INTERRUPTED],
    )?;
    Ok(taken == 1)
}

/// Keeps the answer of a request that was begun.
///
/// # Errors
/// As all queries.
pub fn finish(tx: &mut Tx, tenant: &Tenant, id: &str, status: i64, body: &Sealed) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE idempotency SET status = ?3, body = ?4 WHERE id = ?1 AND org_id = ?2 AND status IS NULL"
        ),
        params![id, tenant.org(), status, body],
    )?;
    Ok(())
}

/// Gives the key of a request free that had no effect, so that it may be tried again.
///
/// # Errors
/// As all queries.
pub fn release(tx: &mut Tx, tenant: &Tenant, id: &str) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM idempotency WHERE id = ?1 AND org_id = ?2 AND status IS NULL"),
        params![id, tenant.org()],
    )?;
    Ok(())
}

/// Forgets all keys from before that time; answers how many.
///
/// # Errors
/// As all queries.
pub fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM idempotency WHERE created_at < ?1"), params![before])
}
