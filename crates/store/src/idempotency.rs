//! Requests that carry an `Idempotency-Key`: the first one is done, later ones get its answer.

use jiff::{SignedDuration, Timestamp};

use crate::sql::sql;
use crate::value::params;
use crate::{Result, Tenant, Tx};

/// A request that has not been answered for this long was interrupted, and another may take its place.
const INTERRUPTED: SignedDuration = SignedDuration::from_mins(5);

/// What to do with a request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Do it: it is the first one with this key.
    Started,
    /// Another one with this key is being done just now.
    InFlight,
    /// It has been done: this was the answer.
    Done {
        /// The HTTP status.
        status: i64,
        /// The body.
        body: String,
    },
    /// The key was used for another request.
    OtherRequest,
}

/// Claims a key of the caller's for a request with that fingerprint.
///
/// # Errors
/// As all queries.
pub fn begin(
    tx: &mut Tx,
    tenant: &Tenant,
    caller: &str,
    key: &str,
    fingerprint: &[u8],
    now: Timestamp,
) -> Result<Begin> {
    let first = tx.exec(
        sql!(
            "INSERT INTO idempotency (org_id, caller, key, fingerprint, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (org_id, caller, key) DO NOTHING"
        ),
        params![tenant.org(), caller, key, fingerprint, now],
    )?;
    if first == 1 {
        return Ok(Begin::Started);
    }
    let (known, status, body, created_at): (Vec<u8>, Option<i64>, Option<String>, Timestamp) = tx.one(
        sql!(
            "SELECT fingerprint, status, body, created_at FROM idempotency \
             WHERE org_id = ?1 AND caller = ?2 AND key = ?3"
        ),
        params![tenant.org(), caller, key],
    )?;
    if known != fingerprint {
        return Ok(Begin::OtherRequest);
    }
    if let (Some(status), Some(body)) = (status, body) {
        return Ok(Begin::Done { status, body });
    }
    if now.duration_since(created_at) < INTERRUPTED {
        return Ok(Begin::InFlight);
    }
    tx.exec(
        sql!("UPDATE idempotency SET created_at = ?4 WHERE org_id = ?1 AND caller = ?2 AND key = ?3"),
        params![tenant.org(), caller, key, now],
    )?;
    Ok(Begin::Started)
}

/// Keeps the answer of a request that was begun.
///
/// # Errors
/// As all queries.
pub fn finish(tx: &mut Tx, tenant: &Tenant, caller: &str, key: &str, status: i64, body: &str) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE idempotency SET status = ?4, body = ?5 \
             WHERE org_id = ?1 AND caller = ?2 AND key = ?3 AND status IS NULL"
        ),
        params![tenant.org(), caller, key, status, body],
    )?;
    Ok(())
}

/// Gives the key of a request free that had no effect, so that it may be tried again.
///
/// # Errors
/// As all queries.
pub fn release(tx: &mut Tx, tenant: &Tenant, caller: &str, key: &str) -> Result<()> {
    tx.exec(
        sql!("DELETE FROM idempotency WHERE org_id = ?1 AND caller = ?2 AND key = ?3 AND status IS NULL"),
        params![tenant.org(), caller, key],
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
