//! API tokens.

use dialtone_domain::{Role, Scopes, TokenId, UserId};
use jiff::Timestamp;

use crate::sql::sql;
use crate::value::{params, record};
use crate::{Result, Tenant, Tx};

record! {
    /// An API token, without its secret.
    pub struct Token as token_columns {
        /// Its id.
        pub id: TokenId,
        /// Whose it is.
        pub user_id: UserId,
        /// What they called it.
        pub name: String,
        /// The most it may do.
        pub role: Role,
        /// What it is narrowed to; `None`: to nothing.
        pub scopes: Option<Scopes>,
        /// How its secret begins, to recognise it by.
        pub prefix: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it ends, if it does.
        pub expires_at: Option<Timestamp>,
        /// When it was last used, to the minute.
        pub last_used_at: Option<Timestamp>,
        /// The token that it was made with, and ends with.
        pub made_by: Option<TokenId>,
    }
}

/// The organisation's tokens, or one user's among them, the newest first.
///
/// # Errors
/// As all queries.
pub fn tokens(tx: &mut Tx, tenant: &Tenant, user: Option<UserId>) -> Result<Vec<Token>> {
    tx.all(
        sql!(
            "SELECT ",
            token_columns!(),
            " FROM tokens WHERE org_id = ?1 AND (CAST(?2 AS TEXT) IS NULL OR user_id = ?2) \
             ORDER BY created_at DESC, id DESC"
        ),
        params![tenant.org(), user],
    )
}

/// Makes a token of a member; false if its owner is none, or suspended.
///
/// # Errors
/// As all queries.
pub fn create_token(tx: &mut Tx, tenant: &Tenant, new: &Token, hash: &[u8]) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO tokens (org_id, token_hash, ",
            token_columns!(),
            ") SELECT org_id, ?2, ?3, user_id, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM members \
             WHERE org_id = ?1 AND user_id = ?4 AND suspended_at IS NULL"
        ),
        params![
            tenant.org(),
            hash,
            new.id,
            new.user_id,
            new.name,
            new.role,
            new.scopes,
            new.prefix,
            new.created_at,
            new.expires_at,
            new.last_used_at,
            new.made_by
        ],
    )?;
    Ok(added == 1)
}

/// Revokes a token, if it is the given user's or no user is given; false if there is none such.
///
/// # Errors
/// As all queries.
pub fn delete_token(tx: &mut Tx, tenant: &Tenant, id: TokenId, user: Option<UserId>) -> Result<bool> {
    let deleted = tx.exec(
        sql!(
            "DELETE FROM tokens WHERE id = ?2 AND org_id = ?1 AND (CAST(?3 AS TEXT) IS NULL OR user_id = ?3)"
        ),
        params![tenant.org(), id, user],
    )?;
    Ok(deleted == 1)
}

/// Notes that a token was used. A write: only when the last note is older than a minute.
///
/// # Errors
/// As all queries.
pub fn touch_token(tx: &mut Tx, tenant: &Tenant, id: TokenId, now: Timestamp) -> Result<()> {
    tx.exec(
        sql!("UPDATE tokens SET last_used_at = ?3 WHERE id = ?2 AND org_id = ?1"),
        params![tenant.org(), id, now],
    )?;
    Ok(())
}

/// Revokes all tokens of a person, in every organisation.
///
/// # Errors
/// As all queries.
pub fn delete_tokens_of(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.exec(sql!("DELETE FROM tokens WHERE user_id = ?1"), params![user])
}
