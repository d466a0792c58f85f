//! What has happened: one row per change, numbered per organisation without gaps, in the order of the commits.

use jiff::Timestamp;
use serde_json::Value;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Topic, Tx};

record! {
    /// A change that was made.
    pub struct Event as event_columns {
        /// Its number in the organisation, from 1.
        pub seq: i64,
        /// When.
        pub at: Timestamp,
        /// By whom.
        pub actor: Value,
        /// What kind of change: `line.imported`.
        pub kind: String,
        /// The id of what was changed.
        pub subject_id: String,
        /// How it was.
        pub before: Option<Value>,
        /// How it is.
        pub after: Option<Value>,
    }
}

/// A change that is being made.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Now.
    pub at: Timestamp,
    /// By whom.
    pub actor: Value,
    /// What kind of change: `line.imported`.
    pub kind: String,
    /// The id of what is changed.
    pub subject_id: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
}

/// Records a change in the transaction that makes it; answers its number.
///
/// # Errors
/// As all queries.
pub fn append(tx: &mut Tx, tenant: &Tenant, new: &NewEvent) -> Result<i64> {
    // The row of the organisation stays locked until the commit: the next number waits for it.
    let (seq,): (i64,) = tx.one(
        sql!("UPDATE orgs SET event_seq = event_seq + 1 WHERE id = ?1 RETURNING event_seq"),
        params![tenant.org()],
    )?;
    tx.exec(
        sql!("INSERT INTO events (org_id, ", event_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![tenant.org(), seq, new.at, new.actor, new.kind, new.subject_id, new.before, new.after],
    )?;
    tx.wake(Topic::Events);
    Ok(seq)
}

/// The events after a number, the oldest first: to follow what happens.
///
/// # Errors
/// As all queries.
pub fn after(tx: &mut Tx, tenant: &Tenant, seq: i64, limit: i64) -> Result<Vec<Event>> {
    tx.all(
        sql!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE org_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
        ),
        params![tenant.org(), seq, limit],
    )
}

/// The number of the last event, 0 if there is none.
///
/// # Errors
/// As all queries.
pub fn last_seq(tx: &mut Tx, tenant: &Tenant) -> Result<i64> {
    let (seq,) = tx.one(sql!("SELECT event_seq FROM orgs WHERE id = ?1"), params![tenant.org()])?;
    Ok(seq)
}
