//! Alerts: of a kind and a subject at most one is open.

use dialtone_domain::{AlertId, AlertKind};
use jiff::Timestamp;
use serde_json::Value;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Cursor, Result, Tenant, Tx};

record! {
    /// An alert.
    pub struct Alert as alert_columns {
        /// Its id.
        pub id: AlertId,
        /// What kind.
        pub kind: AlertKind,
        /// What it is about: a line's id, a provider, an account.
        pub subject: String,
        /// How bad it is.
        pub severity: String,
        /// What fills its texts.
        pub params: Value,
        /// How often it was opened or closed.
        pub changes: i64,
        /// When what it tells of was seen last.
        pub seen_at: Timestamp,
        /// When somebody said that they know.
        pub acknowledged_at: Option<Timestamp>,
        /// Who.
        pub acknowledged_by: Option<Value>,
        /// When it was over.
        pub resolved_at: Option<Timestamp>,
        /// When it was opened.
        pub created_at: Timestamp,
    }
}

/// Opens an alert; false if one of its kind and subject is open.
///
/// # Errors
/// As all queries.
pub fn open(tx: &mut Tx, tenant: &Tenant, new: &Alert) -> Result<bool> {
    let opened = tx.exec(
        sql!(
            "INSERT INTO alerts (org_id, ",
            alert_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (org_id, kind, subject) WHERE resolved_at IS NULL DO NOTHING"
        ),
        params![
            tenant.org(),
            new.id,
            new.kind,
            new.subject,
            new.severity,
            new.params,
            new.changes,
            new.seen_at,
            new.acknowledged_at,
            new.acknowledged_by,
            new.resolved_at,
            new.created_at
        ],
    )?;
    Ok(opened == 1)
}

/// The last alert of that kind about that subject, open or not.
///
/// # Errors
/// As all queries.
pub fn last(tx: &mut Tx, tenant: &Tenant, kind: AlertKind, subject: &str) -> Result<Option<Alert>> {
    tx.opt(
        sql!(
            "SELECT ",
            alert_columns!(),
            " FROM alerts WHERE org_id = ?1 AND kind = ?2 AND subject = ?3 ORDER BY created_at DESC LIMIT 1"
        ),
        params![tenant.org(), kind, subject],
    )
}

/// The open alerts of a kind.
///
/// # Errors
/// As all queries.
pub fn open_of(tx: &mut Tx, tenant: &Tenant, kind: AlertKind) -> Result<Vec<Alert>> {
    tx.all(
        sql!(
            "SELECT ",
            alert_columns!(),
            " FROM alerts WHERE org_id = ?1 AND kind = ?2 AND resolved_at IS NULL ORDER BY subject"
        ),
        params![tenant.org(), kind],
    )
}

/// Writes what may change of an alert.
///
/// # Errors
/// As all queries.
pub fn update(tx: &mut Tx, tenant: &Tenant, alert: &Alert) -> Result<()> {
    tx.exec(
        sql!(
            "UPDATE alerts SET params = ?3, changes = ?4, seen_at = ?5, acknowledged_at = ?6, acknowledged_by = ?7, \
             resolved_at = ?8 WHERE org_id = ?1 AND id = ?2"
        ),
        params![
            tenant.org(),
            alert.id,
            alert.params,
            alert.changes,
            alert.seen_at,
            alert.acknowledged_at,
            alert.acknowledged_by,
            alert.resolved_at
        ],
    )?;
    Ok(())
}

/// An alert by id.
///
/// # Errors
/// As all queries.
pub fn get(tx: &mut Tx, tenant: &Tenant, id: AlertId) -> Result<Option<Alert>> {
    tx.opt(
        sql!("SELECT ", alert_columns!(), " FROM alerts WHERE org_id = ?1 AND id = ?2"),
        params![tenant.org(), id],
    )
}

/// The alerts after the cursor (or from the start), the newest first; only the open ones, or all.
///
/// # Errors
/// As all queries.
pub fn page(
    tx: &mut Tx,
    tenant: &Tenant,
    only_open: bool,
    after: Option<Cursor<AlertId>>,
    limit: i64,
) -> Result<Vec<Alert>> {
    let (at, id) = Cursor::bounds(after);
    tx.all(
        sql!(
            "SELECT ",
            alert_columns!(),
            " FROM alerts WHERE org_id = ?1 AND (created_at, id) < (?2, ?3) \
             AND (CAST(?4 AS BOOLEAN) = FALSE OR resolved_at IS NULL) ORDER BY created_at DESC, id DESC LIMIT ?5"
        ),
        params![tenant.org(), at, id, only_open, limit],
    )
}

/// How many alerts are open.
///
/// # Errors
/// As all queries.
pub fn open_count(tx: &mut Tx, tenant: &Tenant) -> Result<i64> {
    let (count,) = tx.one(
        sql!("SELECT COUNT(*) FROM alerts WHERE org_id = ?1 AND resolved_at IS NULL"),
        params![tenant.org()],
    )?;
    Ok(count)
}

/// Forgets those that were over before then.
///
/// # Errors
/// As all queries.
pub fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM alerts WHERE resolved_at < ?1"), params![before])
}
