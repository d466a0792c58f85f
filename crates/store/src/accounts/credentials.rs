//! Who makes a request, by a session or an API token, and one-time codes. Only hashes of secrets are here.

use dialtone_domain::{Language, OrgId, Permission, Rights, Role, Scopes, SessionId, TokenId, UserId};
use jiff::Timestamp;

use super::organisations::{Organisation, organisation_columns};
use crate::sql::sql;
use crate::value::{FromRow, Row, named, params, record};
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
    /// The time zone they chose, if they did.
    pub time_zone: Option<String>,
    /// What they may do at most: for a token the lesser of its role and its owner's.
    pub role: Role,
    /// What their token is narrowed to.
    pub scopes: Option<Scopes>,
    /// What they proved it by.
    pub credential: Credential,
    /// When their token ends, if it does.
    pub token_ends_at: Option<Timestamp>,
    /// When the credential was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// The organisation's own record.
    pub organisation: Organisation,
}

impl Caller {
    /// What they may do.
    pub fn rights(&self) -> Rights {
        Rights { role: self.role, scopes: self.scopes }
    }

    /// Whether they may do that: the one question to ask before it is done.
    pub fn may(&self, permission: Permission) -> bool {
        self.rights().may(permission)
    }
}

/// A caller as it is read: the same columns for sessions and tokens, whose ids differ in type only.
struct Found<Id> {
    id: Id,
    own_role: Role,
    scopes: Option<Scopes>,
    ends_at: Option<Timestamp>,
    last_used: Option<Timestamp>,
    member_role: Role,
    user_id: UserId,
    user_name: String,
    email: String,
    language: Option<Language>,
    time_zone: Option<String>,
    organisation: Organisation,
}

impl<Id: crate::value::FromValue> FromRow for Found<Id> {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            own_role: row.take()?,
            scopes: row.take()?,
            ends_at: row.take()?,
            last_used: row.take()?,
            member_role: row.take()?,
            user_id: row.take()?,
            user_name: row.take()?,
            email: row.take()?,
            language: row.take()?,
            time_zone: row.take()?,
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
            time_zone: self.time_zone,
            role: self.own_role.min(self.member_role),
            scopes: self.scopes,
            credential: credential(self.id),
            token_ends_at: self.ends_at,
            last_used: self.last_used,
            organisation: self.organisation,
        }
    }
}

/// Where a session's caller is found. Who is suspended is none.
macro_rules! of_session {
    () => {
        " FROM sessions s \
         JOIN members m ON m.org_id = s.org_id AND m.user_id = s.user_id AND m.suspended_at IS NULL \
         JOIN users u ON u.id = s.user_id JOIN orgs o ON o.id = s.org_id \
         WHERE s.expires_at > ?2 AND s."
    };
}

/// What a session's caller is made of, before the organisation.
macro_rules! session_columns {
    () => {
        "SELECT s.id, m.role, NULL, NULL, s.last_seen_at, \
         m.role, u.id, u.name, u.email, u.language, u.time_zone, "
    };
}

/// Where a token's caller is found. Who is suspended is none.
macro_rules! of_token {
    () => {
        " FROM tokens t \
         JOIN members m ON m.org_id = t.org_id AND m.user_id = t.user_id AND m.suspended_at IS NULL \
         JOIN users u ON u.id = t.user_id JOIN orgs o ON o.id = t.org_id \
         WHERE (t.expires_at IS NULL OR t.expires_at > ?2) AND t."
    };
}

/// What a token's caller is made of, before the organisation.
macro_rules! token_caller_columns {
    () => {
        "SELECT t.id, t.role, t.scopes, t.expires_at, t.last_used_at, \
         m.role, u.id, u.name, u.email, u.language, u.time_zone, "
    };
}

/// Who is signed in by the session with that hash, if it has not ended.
///
/// # Errors
/// As all queries.
pub fn caller_by_session(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<Option<Caller>> {
    let found: Option<Found<SessionId>> = tx.opt(
        sql!(session_columns!(), organisation_columns!("o."), of_session!(), "token_hash = ?1"),
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
        sql!(token_caller_columns!(), organisation_columns!("o."), of_token!(), "token_hash = ?1"),
        params![hash, now],
    )?;
    Ok(found.map(|found| found.caller(Credential::Token)))
}

/// The caller as they are now, within the transaction that acts for them: rights may have gone since the request
/// was let in. `None` where the credential no longer proves anything.
///
/// # Errors
/// As all queries.
pub fn caller_again(tx: &mut Tx, caller: &Caller, now: Timestamp) -> Result<Option<Caller>> {
    let again = match caller.credential {
        Credential::Session(id) => {
            let found: Option<Found<SessionId>> = tx.opt(
                sql!(session_columns!(), organisation_columns!("o."), of_session!(), "id = ?1"),
                params![id, now],
            )?;
            found.map(|found| found.caller(Credential::Session))
        }
        Credential::Token(id) => {
            let found: Option<Found<TokenId>> = tx.opt(
                sql!(token_caller_columns!(), organisation_columns!("o."), of_token!(), "id = ?1"),
                params![id, now],
            )?;
            found.map(|found| found.caller(Credential::Token))
        }
    };
    // A session may have been switched to another organisation meanwhile.
    Ok(again.filter(|again| again.tenant == caller.tenant))
}

/// Forgets sessions, codes and invitations that have ended.
///
/// # Errors
/// As all queries.
pub fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let sessions = tx.exec(sql!("DELETE FROM sessions WHERE expires_at <= ?1"), params![now])?;
    let codes = tx.exec(sql!("DELETE FROM codes WHERE expires_at <= ?1"), params![now])?;
    let invitations = tx.exec(sql!("DELETE FROM invitations WHERE expires_at <= ?1"), params![now])?;
    Ok(sessions + codes + invitations)
}

named! {
    /// What a one-time code is for.
    pub enum CodeKind {
        /// To set up the first organisation.
        Setup = "setup",
        /// To sign a user in.
        SignIn = "sign_in",
        /// To choose a new password.
        Reset = "reset",
    }
}

/// A one-time code to be kept.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The hash of the code.
    pub hash: Vec<u8>,
    /// What it is for.
    pub kind: CodeKind,
    /// The organisation that it signs in to, for [`CodeKind::SignIn`].
    pub org_id: Option<OrgId>,
    /// Whom it is for; nobody in particular for [`CodeKind::Setup`].
    pub user_id: Option<UserId>,
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
        /// Whom it was for.
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
    tx.exec(
        sql!(
            "INSERT INTO codes (code_hash, kind, org_id, user_id, created_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ),
        params![new.hash, new.kind, new.org_id, new.user_id, new.created_at, new.expires_at],
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

/// Whether there is such a code: before the work of using it up begins.
///
/// # Errors
/// As all queries.
pub fn has_code(tx: &mut Tx, hash: &[u8], kind: CodeKind, now: Timestamp) -> Result<bool> {
    let found: Option<(Timestamp,)> = tx.opt(
        sql!("SELECT expires_at FROM codes WHERE code_hash = ?1 AND kind = ?2 AND expires_at > ?3"),
        params![hash, kind, now],
    )?;
    Ok(found.is_some())
}

/// Forgets all codes of a person.
///
/// # Errors
/// As all queries.
pub fn delete_codes_of(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.exec(sql!("DELETE FROM codes WHERE user_id = ?1"), params![user])
}
