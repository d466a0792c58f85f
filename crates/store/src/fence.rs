//! The fence: a restored backup holds every effect outside back until somebody lifts it.

use jiff::Timestamp;

use crate::sql::sql;
use crate::value::params;
use crate::{Result, Tenant, Topic, Tx, events};

/// Makes a copy of what was backed up an installation of its own: fenced, in a new epoch, with nobody signed in,
/// no one-time code or link, nothing to be sent, and nobody's claim on an operation. Answers whose trails have to say
/// so: everybody's.
///
/// # Errors
/// As all queries.
pub fn begin_epoch(tx: &mut Tx, now: Timestamp) -> Result<Vec<Tenant>> {
    tx.exec(sql!("UPDATE instance SET epoch = epoch + 1, fenced_at = ?1 WHERE one = 1"), params![now])?;
    tx.exec(sql!("DELETE FROM sessions WHERE 1 = 1"), params![])?;
    tx.exec(sql!("DELETE FROM codes WHERE 1 = 1"), params![])?;
    tx.exec(sql!("DELETE FROM invitations WHERE 1 = 1"), params![])?;
    // The original has sent them, or will.
    tx.exec(
        sql!("UPDATE deliveries SET finished_at = ?1, last_error = 'restored' WHERE finished_at IS NULL"),
        params![now],
    )?;
    crate::operations::release_all(tx, now)?;
    events::all_chains(tx)
}

/// Lifts the fence; answers whose trails have to say so, `None` if there was no fence.
///
/// # Errors
/// As all queries.
pub fn lift(tx: &mut Tx) -> Result<Option<Vec<Tenant>>> {
    let lifted = tx.exec(
        sql!("UPDATE instance SET fenced_at = NULL WHERE one = 1 AND fenced_at IS NOT NULL"),
        params![],
    )?;
    tx.wake(Topic::Fence);
    tx.wake(Topic::Operations);
    if lifted == 0 { Ok(None) } else { events::all_chains(tx).map(Some) }
}
