//! What proves who someone is: sessions, API tokens and one-time codes. Only their hashes are here.

use dialtone_domain::{Language, OrgId, Role, SessionId, TokenId, UserId};
use jiff::Timestamp;

use super::organisations::{Organisation, organisation_columns};
use crate::sql::{Sql, sql};
use crate::value::{FromRow, Row, ToValue, Value, named, params, record};
use crate::{Result, Tenant, Tx};

/// What a request proved itself by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A signed-in browser.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

/// Who makes a request, in which organisation, and what they may do there.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The organisation.
    pub tenant: Tenant,
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub user_name: String,
    /// Their address.
    pub email: String,
    /// The language they chose, if they did.
    pub language: Option<Language>,
    /// What they may do: for a token the lesser of its role and its owner's.
    pub role: Role,
    /// What they proved it by.
    pub credential: Credential,
    /// When the credential was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// The organisation's own record.
    pub organisation: Organisation,
}

/// A caller as it is read: the same columns for sessions and tokens, whose ids differ in type only.
struct Found<Id> {
    id: Id,
    own_role: Role,
    last_used: Option<Timestamp>,
    member_role: Role,
    user_id: UserId,
    user_name: String,
    email: String,
    language: Option<Language>,
    organisation: Organisation,
}

impl<Id: crate::value::FromValue> FromRow for Found<Id> {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            own_role: row.take()?,
            last_used: row.take()?,
            member_role: row.take()?,
            user_id: row.take()?,
            user_name: row.take()?,
            email: row.take()?,
            language: row.take()?,
            organisation: Organisation::from_row(row)?,
        })
    }
}

impl<Id> Found<Id> {
    fn caller(self, credential: impl FnOnce(Id) -> Credential) -> Caller {
        Caller {
            tenant: Tenant::new(self.organisation.id),
            user_id: self.user_id,
            user_name: self.user_name,
            email: self.email,
            language: self.language,
            role: self.own_role.min(self.member_role),
            credential: credential(self.id),
            last_used: self.last_used,
            organisation: self.organisation,
        }
    }
}

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The hash of the secret in the cookie.
    pub token_hash: Vec<u8>,
    /// The organisation it is for.
    pub org_id: OrgId,
    /// Who is signed in.
    pub user_id: UserId,
    /// Now.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Signs a user in to an organisation; `None` if they are not a member of it.
///
/// # Errors
/// As all queries.
pub fn create_session(tx: &mut Tx, new: &NewSession) -> Result<Option<Tenant>> {
    let added = tx.exec(
        sql!(
            "INSERT INTO sessions (id, token_hash, org_id, user_id, created_at, expires_at, last_seen_at) \
             SELECT ?1, ?2, org_id, user_id, ?5, ?6, ?5 FROM members WHERE org_id = ?3 AND user_id = ?4"
        ),
        params![new.id, new.token_hash, new.org_id, new.user_id, new.created_at, new.expires_at],
    )?;
    Ok((added == 1).then(|| Tenant::new(new.org_id)))
}

/// Who is signed in by the session with that hash, if it has not ended.
///
/// # Errors
/// As all queries.
pub fn caller_by_session(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Caller>> {
    let found: Option<Found<SessionId>> = tx.opt(
        sql!(
            "SELECT s.id, m.role, s.last_seen_at, m.role, u.id, u.name, u.email, u.language, ",
            organisation_columns!("o."),
            " FROM sessions s \
             JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id \
             JOIN users u ON u.id = s.user_id JOIN orgs o ON o.id = s.org_id \
             WHERE s.token_hash = ?1 AND s.expires_at > ?2"
        ),
        params![hash, now],
    )?;
    Ok(found.map(|found| found.caller(Credential::Session)))
}

/// Whose the token with that hash is, if it has not expired.
///
/// # Errors
/// As all queries.
pub fn caller_by_token(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Caller>> {
    let found: Option<Found<TokenId>> = tx.opt(
        sql!(
            "SELECT t.id, t.role, t.last_used_at, m.role, u.id, u.name, u.email, u.language, ",
            organisation_columns!("o."),
            " FROM tokens t \
             JOIN members m ON m.org_id = t.org_id AND m.user_id = t.user_id \
             JOIN users u ON u.id = t.user_id JOIN orgs o ON o.id = t.org_id \
             WHERE t.token_hash = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2)"
        ),
        params![hash, now],
    )?;
    Ok(found.map(|found| found.caller(Credential::Token)))
}

/// Notes that the caller's credential was used. A write: only when the last note is older than a minute.
///
/// # Errors
/// As all queries.
pub fn touch(tx: &mut Tx, caller: &Caller, now: Timestamp) -> Result<()> {
    let (sql, id): (Sql, Value) = match caller.credential {
        Credential::Session(id) => {
            (sql!("UPDATE sessions SET last_seen_at = ?3 WHERE id = ?1 AND org_id = ?2"), id.to_value())
        }
        Credential::Token(id) => {
            (sql!("UPDATE tokens SET last_used_at = ?3 WHERE id = ?1 AND org_id = ?2"), id.to_value())
        }
    };
    tx.exec(sql, &[id, caller.tenant.org().to_value(), now.to_value()])?;
    Ok(())
}

/// Signs out; false if the session had ended.
///
/// # Errors
/// As all queries.
pub fn delete_session(tx: &mut Tx, tenant: &Tenant, id: SessionId) -> Result<bool> {
    let deleted =
        tx.exec(sql!("DELETE FROM sessions WHERE id = ?2 AND org_id = ?1"), params![tenant.org(), id])?;
    Ok(deleted == 1)
}

/// Forgets sessions and codes that have ended.
///
/// # Errors
/// As all queries.
pub fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let sessions = tx.exec(sql!("DELETE FROM sessions WHERE expires_at <= ?1"), params![now])?;
    let codes = tx.exec(sql!("DELETE FROM codes WHERE expires_at <= ?1"), params![now])?;
    Ok(sessions + codes)
}

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
        /// How its secret begins, to recognise it by.
        pub prefix: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it ends, if it does.
        pub expires_at: Option<Timestamp>,
        /// When it was last used, to the minute.
        pub last_used_at: Option<Timestamp>,
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

/// Makes a token of a member; false if its owner is none.
///
/// # Errors
/// As all queries.
pub fn create_token(tx: &mut Tx, tenant: &Tenant, new: &Token, hash: &[u8]) -> Result<bool> {
    let added = tx.exec(
        sql!(
            "INSERT INTO tokens (org_id, token_hash, ",
            token_columns!(),
            ") SELECT org_id, ?2, ?3, user_id, ?5, ?6, ?7, ?8, ?9, ?10 FROM members WHERE org_id = ?1 AND user_id = ?4"
        ),
        params![
            tenant.org(),
            hash,
            new.id,
            new.user_id,
            new.name,
            new.role,
            new.prefix,
            new.created_at,
            new.expires_at,
            new.last_used_at
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

named! {
    /// What a one-time code is for.
    pub enum CodeKind {
        /// To set up the first organisation.
        Setup = "setup",
        /// To sign a user in.
        SignIn = "sign_in",
    }
}

/// A one-time code to be kept.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The hash of the code.
    pub hash: Vec<u8>,
    /// What it is for.
    pub kind: CodeKind,
    /// The organisation and the user that it signs in, for [`CodeKind::SignIn`].
    pub subject: Option<(OrgId, UserId)>,
    /// Now.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

record! {
    /// A code that was used just now, for the first and last time.
    pub struct TakenCode {
        /// The organisation, for [`CodeKind::SignIn`].
        pub org_id: Option<OrgId>,
        /// The user, for [`CodeKind::SignIn`].
        pub user_id: Option<UserId>,
        /// When it would have ended.
        pub expires_at: Timestamp,
    }
}

/// Keeps a one-time code.
///
/// # Errors
/// As all queries.
pub fn put_code(tx: &mut Tx, new: &NewCode) -> Result<()> {
    let (org, user) = new.subject.unzip();
    tx.exec(
        sql!(
            "INSERT INTO codes (code_hash, kind, org_id, user_id, created_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ),
        params![new.hash, new.kind, org, user, new.created_at, new.expires_at],
    )?;
    Ok(())
}

/// Uses a code up; `None` if there is none such or it has ended.
///
/// # Errors
/// As all queries.
pub fn take_code(tx: &mut Tx, hash: &[u8], kind: CodeKind, now: Timestamp) -> Result<Option<TakenCode>> {
    let taken: Option<TakenCode> = tx.opt(
        sql!("DELETE FROM codes WHERE code_hash = ?1 AND kind = ?2 RETURNING org_id, user_id, expires_at"),
        params![hash, kind],
    )?;
    Ok(taken.filter(|code| code.expires_at > now))
}

/// Forgets all codes of a kind: a new set-up code takes the place of those before it.
///
/// # Errors
/// As all queries.
pub fn delete_codes(tx: &mut Tx, kind: CodeKind) -> Result<u64> {
    tx.exec(sql!("DELETE FROM codes WHERE kind = ?1"), params![kind])
}
