//! A line's diary: what changed between which two looks.

use dialtone_domain::{EntryId, LineId, OperationId};
use jiff::Timestamp;
use serde_json::Value;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Cursor, Result, Tenant, Tx};

/// More entries of one line are not kept: the oldest go.
const KEPT: i64 = 1000;

record! {
    /// What one look saw differently from the look before.
    pub struct Entry as entry_columns {
        /// Its id.
        pub id: EntryId,
        /// The line.
        pub line_id: LineId,
        /// When the look before began.
        pub seen_before: Option<Timestamp>,
        /// When the look that saw it began.
        pub created_at: Timestamp,
        /// The fields that differ.
        pub changes: Value,
        /// The cause that failed before, by name.
        pub cause_before: Option<String>,
        /// The cause that fails now, by name.
        pub cause_after: Option<String>,
        /// How the line is now.
        pub health: String,
        /// By whom, as far as it is known.
        pub actor: Value,
        /// The operation of ours that did it.
        pub operation_id: Option<OperationId>,
        /// When the provider says that its part was changed last.
        pub changed_at: Option<Timestamp>,
    }
}

/// Adds an entry, and forgets the line's oldest beyond what is kept.
///
/// # Errors
/// As all queries.
pub fn append(tx: &mut Tx, tenant: &Tenant, new: &Entry) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO diary (org_id, ",
            entry_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ),
        params![
            tenant.org(),
            new.id,
            new.line_id,
            new.seen_before,
            new.created_at,
            new.changes,
            new.cause_before,
            new.cause_after,
            new.health,
            new.actor,
            new.operation_id,
            new.changed_at
        ],
    )?;
    tx.exec(
        sql!(
            "DELETE FROM diary WHERE id IN (SELECT id FROM diary WHERE org_id = ?1 AND line_id = ?2 \
             ORDER BY created_at DESC, id DESC LIMIT 100 OFFSET ?3)"
        ),
        params![tenant.org(), new.line_id, KEPT],
    )?;
    Ok(())
}

/// A line's entries after the cursor (or from the start), the newest first.
///
/// # Errors
/// As all queries.
pub fn page(
    tx: &mut Tx,
    tenant: &Tenant,
    line: LineId,
    after: Option<Cursor<EntryId>>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (at, id) = Cursor::bounds(after);
    tx.all(
        sql!(
            "SELECT ",
            entry_columns!(),
            " FROM diary WHERE org_id = ?1 AND line_id = ?2 AND (created_at, id) < (?3, ?4) \
             ORDER BY created_at DESC, id DESC LIMIT ?5"
        ),
        params![tenant.org(), line, at, id, limit],
    )
}

/// Forgets what is older.
///
/// # Errors
/// As all queries.
pub fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM diary WHERE created_at < ?1"), params![before])
}
