//! Auth tokens whose place another one took: they still verify what was signed with them, for a while.

use dialtone_domain::{AccountSid, OrgId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Sealed, Tx};

record! {
    /// A token from before.
    pub struct PreviousToken as previous_columns {
        /// Its id.
        pub id: String,
        /// Whose it is.
        pub org_id: OrgId,
        /// It, sealed.
        pub auth_token: Sealed,
        /// How long it is accepted.
        pub expires_at: Timestamp,
    }
}

/// Keeps one of an account.
///
/// # Errors
/// As all queries.
pub fn insert(tx: &mut Tx, account: &AccountSid, new: &PreviousToken) -> Result<()> {
    tx.exec(
        sql!(
            "INSERT INTO previous_tokens (account_sid, ",
            previous_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5)"
        ),
        params![account, new.id, new.org_id, new.auth_token, new.expires_at],
    )?;
    Ok(())
}

/// Those of an account that are still accepted, whoever's they are: nobody is known yet when they are tried.
///
/// # Errors
/// As all queries.
pub fn of_account(tx: &mut Tx, account: &AccountSid, now: Timestamp) -> Result<Vec<PreviousToken>> {
    tx.all(
        sql!(
            "SELECT ",
            previous_columns!(),
            " FROM previous_tokens WHERE account_sid = ?1 AND expires_at > ?2 \
             ORDER BY expires_at DESC, id DESC LIMIT 10"
        ),
        params![account, now],
    )
}

/// Forgets those that ended before that time; says how many.
///
/// # Errors
/// As all queries.
pub fn delete_expired(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.exec(sql!("DELETE FROM previous_tokens WHERE expires_at < ?1"), params![before])
}
